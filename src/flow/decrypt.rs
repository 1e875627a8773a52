//! The part of stage 6 before decoding: an encrypted reply becomes the reply that its server encrypted.

use bytes::Bytes;

use super::offload::{LARGE, OffloadedWork};
use super::recorder::Recorder;
use super::state::Run;
use super::stop::Stop;
use crate::mask::NUMBER;
use crate::response::{DecryptError, DecryptPlan};
use crate::upstream::Reply;

/// Decrypts the body of `reply`, or says why it stays as it is. A reply with another status than 2xx may be in clear:
/// gateways and filters in front of a server encrypt nothing.
pub(super) async fn decrypt(
    plan: &DecryptPlan,
    run: &mut Run<'_>,
    reply: &mut Reply,
    recorder: &mut Recorder,
) -> Result<Option<DecryptError>, Stop> {
    recorder.enter("decrypt");
    let keys = plan.keys(&run.context)?;
    // An upstream knows what was computed for its key, and may repeat it.
    let computed = keys.texts().filter(|text| text.expose().chars().count() >= NUMBER).cloned().collect::<Vec<_>>();
    if !computed.is_empty() {
        run.mask.add(&computed);
    }
    // The reply, what is read of it and what is decrypted are there at the same time.
    run.hold(reply.body.len().saturating_mul(3))?;
    let opened = if reply.body.len() <= LARGE {
        plan.open(&keys, &reply.body)
    } else {
        let (plan, body) = (plan.clone(), reply.body.clone());
        Box::pin(run.offload(OffloadedWork::Decoding, move || plan.open(&keys, &body))).await?
    };
    match opened {
        Ok(body) => {
            reply.body = Bytes::from_owner(body);
            Ok(None)
        }
        Err(DecryptError::Key(error)) => {
            Err(Stop::misconfigured(format!("the key of `decrypt` cannot be used: {error}")))
        }
        Err(_) if !(200..300).contains(&reply.status) => Ok(None),
        Err(error) => Ok(Some(error)),
    }
}
