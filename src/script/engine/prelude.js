// Runs once in a new realm, before any script: removes what could outlive a call or run later, then freezes the rest.
// Afterwards a script can write to nothing that another call sees. If it throws, the worker stops before it takes a call.
(function () {
  "use strict";
  const { getOwnPropertyDescriptor, defineProperty, getPrototypeOf, freeze } = Object;
  const { ownKeys, apply } = Reflect;
  const hasOwn = Object.prototype.hasOwnProperty;

  // 1. Intrinsics that no global names. They must be frozen too, so they are collected while generators and async
  //    functions may still be written.
  const hidden = [
    getPrototypeOf([][Symbol.iterator]()),
    getPrototypeOf(""[Symbol.iterator]()),
    getPrototypeOf(new Map().entries()),
    getPrototypeOf(new Set().values()),
    getPrototypeOf("".matchAll(/x/g)),
    getPrototypeOf(function* () {}),
    getPrototypeOf(async function () {}),
    getPrototypeOf(async function* () {}),
    getPrototypeOf(Uint8Array),
    getPrototypeOf(getPrototypeOf(function* () {}.prototype)),
    getOwnPropertyDescriptor(function () { "use strict"; return arguments; }(), "callee").get,
  ];
  if (typeof Iterator === "function") {
    if (typeof Iterator.from === "function") hidden.push(getPrototypeOf(Iterator.from({ next() { return { done: true }; } })));
    if (typeof Iterator.prototype.map === "function") hidden.push(getPrototypeOf([].values().map((x) => x)));
  }

  // 2. Gone: what keeps data beyond a call (registries, weak tables), what runs later (promises), what shares memory,
  //    and the old doors to prototypes.
  const globals = [
    "Promise", "WeakRef", "FinalizationRegistry", "WeakMap", "WeakSet", "SharedArrayBuffer", "Atomics", "Temporal",
    "AsyncIterator", "AsyncDisposableStack", "ShadowRealm",
  ];
  for (const name of globals) delete globalThis[name];
  delete Symbol.for;
  delete Symbol.keyFor;
  delete Array.fromAsync;
  delete Object.prototype.__proto__;
  delete Object.prototype.__defineGetter__;
  delete Object.prototype.__defineSetter__;
  delete Object.prototype.__lookupGetter__;
  delete Object.prototype.__lookupSetter__;

  // JSON.parse is ours (see realm.rs); this adds the reviver of ECMA-262 section 25.5.1.
  const parseJson = globalThis.parseJson;
  delete globalThis.parseJson;
  const revive = (holder, key, reviver) => {
    const value = holder[key];
    if (value !== null && typeof value === "object") {
      for (const name of Object.keys(value)) {
        const next = revive(value, name, reviver);
        if (next === undefined) delete value[name];
        else defineProperty(value, name, { value: next, writable: true, enumerable: true, configurable: true });
      }
    }
    return apply(reviver, holder, [key, value]);
  };
  JSON.parse = {
    parse(text, reviver) {
      const value = parseJson(text);
      return typeof reviver === "function" ? revive({ "": value }, "", reviver) : value;
    },
  }.parse;
  hidden.push(parseJson, revive);

  // An element of XML with attributes is an object, and a text where one is wanted: methods of strings ask `toString` for it.
  const text = { get() { return this["#text"]; } }.get;
  const element = Object.create(String.prototype, {
    toString: { value: text },
    valueOf: { value: text },
    length: { get() { return this["#text"].length; } },
  });
  hidden.push(element);

  // No array method is called below: the engine caches where it found a method, and this code moves them.
  // 3. A frozen property of a prototype cannot be assigned on an object that inherits it ("override mistake"), which
  //    breaks `o.toString = f`, `err.name = "x"` and ES5 classes. These become accessors whose setter defines the
  //    property on the object itself.
  const roots = [];
  const overridable = (object, keys) => {
    for (const key of keys) {
      const descriptor = getOwnPropertyDescriptor(object, key);
      if (!descriptor || !descriptor.configurable || !("value" in descriptor)) continue;
      const value = descriptor.value;
      const get = () => value;
      const set = function (next) {
        if (this === object || this === null || (typeof this !== "object" && typeof this !== "function")) {
          throw new TypeError("a built-in object cannot be changed");
        }
        if (apply(hasOwn, this, [key])) {
          this[key] = next;
        } else {
          defineProperty(this, key, { value: next, writable: true, enumerable: true, configurable: true });
        }
      };
      defineProperty(object, key, { get, set, enumerable: descriptor.enumerable, configurable: false });
      roots[roots.length] = value;
      roots[roots.length] = get;
      roots[roots.length] = set;
    }
  };
  const common = ["constructor", "toString", "toLocaleString", "valueOf", "toJSON", "name", "message"];
  for (const name of ownKeys(globalThis)) {
    const value = globalThis[name];
    const prototype = typeof value === "function" ? value.prototype : undefined;
    if (prototype && prototype !== Object.prototype) overridable(prototype, common);
  }
  overridable(Array.prototype, ["push", "pop", "concat", "slice", "join", "indexOf", "forEach", "map", "filter", "sort"]);
  overridable(Function.prototype, ["call", "apply", "bind"]);
  overridable(Object.prototype, ownKeys(Object.prototype));

  // 4. Everything that can be reached is frozen.
  const seen = new Set();
  const queue = [globalThis, ...hidden, ...roots];
  const add = (value) => {
    if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value)) return;
    seen.add(value);
    queue[queue.length] = value;
  };
  for (let at = 0; at < queue.length; at++) {
    const object = queue[at];
    if (object === null || (typeof object !== "object" && typeof object !== "function")) continue;
    for (const key of ownKeys(object)) {
      const descriptor = getOwnPropertyDescriptor(object, key);
      if ("value" in descriptor) {
        add(descriptor.value);
      } else {
        add(descriptor.get);
        add(descriptor.set);
      }
    }
    add(getPrototypeOf(object));
  }
  for (const object of queue) freeze(object);
  return element;
})();
