//! How tests load connectors: with the worker of this build, without settings and environment, with samples for secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward::catalog::Loader;
use doorward::catalog::bounds::Bounds;
use doorward::connector::check::SecretsFrom;
use doorward::script::{Limits, Worker};
use doorward::upstream::{Egress, EgressRules};

/// For connectors whose upstream is made up, or elsewhere.
pub fn loader() -> Loader {
    within(&EgressRules::default())
}

/// For connectors whose upstream is a server of the test.
pub fn to_loopback() -> Loader {
    within(&EgressRules { allow_loopback: true, ..EgressRules::default() })
}

/// Within the bounds of an operator.
pub fn within(rules: &EgressRules) -> Loader {
    Loader {
        worker: Worker::of(env!("CARGO_BIN_EXE_doorward")),
        limits: Limits::default(),
        egress: Arc::new(Egress::new(rules).unwrap()),
        bounds: Bounds::default(),
        env: Box::new(|_| None),
        settings: BTreeMap::new(),
        secrets: BTreeMap::new(),
        secrets_from: SecretsFrom::Samples,
        console: None,
    }
}
