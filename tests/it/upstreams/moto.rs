//! moto 5, which verifies AWS Signature Version 4 with botocore's own code.

use doorward::verdict::Verdict;
use serde_json::Value;

use super::door::Door;
use super::{repository, running};

#[tokio::test]
async fn keys_by_their_signature() {
    let Some(home) = running("moto") else { return };
    let seed: Value = serde_json::from_str(&std::fs::read_to_string(home.join("seed.json")).unwrap()).unwrap();
    let (access, secret) = (seed["access"].as_str().unwrap(), seed["secret"].as_str().unwrap());
    let door = Door::open(&repository("tests/fixtures/upstreams/moto-sts.yaml"), &[]).await;
    let report = door.expect(access, secret, "accept").await;
    let Verdict::Accept(accept) = &report.verdict else { panic!("{}", report.explain) };
    let arn = ("arn".to_owned(), "arn:aws:iam::123456789012:user/alice".into());
    assert!(accept.mapped.attributes.contains(&arn), "{:?}", accept.mapped.attributes);
    door.expect(access, &format!("{secret}x"), "reject(invalid_credentials)").await;
    door.expect("AKIAAAAAAAAAAAAAAAAA", secret, "reject(invalid_credentials)").await;
    door.refuses_the_hostile(access, secret).await;
}
