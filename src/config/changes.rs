//! In which keys two configurations differ, and which of those a running daemon takes over.

use super::{Config, State};

/// Keys of `doorward.yaml`, by what a change of them needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What a running daemon takes over.
    pub live: Vec<&'static str>,
    /// What only a start takes over: open sockets, sizes of tables, the store of challenges.
    pub restart: Vec<&'static str>,
}

impl Config {
    /// What is different in `new`.
    pub fn changes_to(&self, new: &Self) -> Changes {
        let differs = |key, same: bool| (!same).then_some(key);
        let (log, guard, limits) = (&self.log, &self.guard, &self.limits);
        let live = [
            differs("clients", self.clients == new.clients),
            differs("public_url", self.public_url == new.public_url),
            differs("reserved_cookies", self.reserved_cookies == new.reserved_cookies),
            differs("egress", self.egress == new.egress),
            differs("state.keys", self.state.keys() == new.state.keys()),
            differs("scripts", self.scripts == new.scripts),
            differs("limits", *limits == super::Limits { connections: limits.connections, ..new.limits }),
            differs(
                "guard",
                *guard == super::Guard { entries: guard.entries, shared: guard.shared, ..new.guard.clone() },
            ),
            differs("log.level", log.level == new.log.level),
            differs("audit", self.audit == new.audit),
        ];
        let restart = [
            differs("listen", self.listen == new.listen),
            differs("insecure_listen", self.insecure_listen == new.insecure_listen),
            differs("tls", self.tls == new.tls),
            differs("connectors", self.connectors == new.connectors),
            differs("doors", self.doors == new.doors),
            differs("state", self.state.is_the_store_of(&new.state)),
            differs("limits.connections", limits.connections == new.limits.connections),
            differs("guard.store", guard.shared == new.guard.shared),
            differs("guard.entries", guard.entries == new.guard.entries),
            differs("log.format", log.format == new.log.format),
            differs("tracing", self.tracing == new.tracing),
            differs("sign_in", self.sign_in == new.sign_in),
        ];
        Changes { live: live.into_iter().flatten().collect(), restart: restart.into_iter().flatten().collect() }
    }
}

impl State {
    /// The keys that seal what Redis keeps; none for another store.
    pub fn keys(&self) -> &[crate::secret::Secret] {
        match self {
            Self::Memory => &[],
            Self::Redis { keys, .. } => keys,
        }
    }

    fn is_the_store_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory, Self::Memory) => true,
            (
                Self::Redis { url, ca_file, sentinel, .. },
                Self::Redis { url: other, ca_file: ca, sentinel: others, .. },
            ) => url == other && ca_file == ca && sentinel == others,
            _ => false,
        }
    }
}
