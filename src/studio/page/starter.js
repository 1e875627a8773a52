// What a new connector begins with: complete, so that it can be tested at once, with the places to fill in marked.

const DEFAULT = "https://4a.corp.example.com";

export function starter(address) {
  let base = DEFAULT;
  let path = "/login";
  try {
    const url = new URL(address);
    if (/^https?:$/.test(url.protocol)) [base, path] = [url.origin, url.pathname === "/" ? path : url.pathname];
  } catch {
    // Not an address: the usual one stays.
  }
  return `version: 1
title: ""
settings:
  base: "${base}"
steps:
  - name: login
    request:
      method: POST
      url: "\${base}${path.replace(/["\\$\s]/g, "")}"
      body:
        json: { username: "{{user.username}}", password: "{{user.userPassword}}" }
    response:
      format: json
      # What does a wrong password look like?
      reject:
        - { when: { field: code, equals: 401 }, reason: invalid_credentials }
      # What does only a right password bring?
      success: { all: [ { field: code, equals: 0 }, { field: data.token, has_value: true } ] }
      map: { error_code: code, error_message: msg }
`;
}
