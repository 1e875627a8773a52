//! A challenge of several fields, answered field by field: each answer is kept with the login, under a new id, until the last one
//! is there. Then all of them are judged as if they had come at once.

use indexmap::IndexMap;

use super::challenge::{asking, mismatch, new_id, wait};
use super::saved::OpenChallenge;
use super::state::Run;
use super::stop::Stop;
use crate::secret::Secret;

/// The answers of all fields once `given` is the last, else the challenge with the fields that are left. An answer that is not the last
/// sends nothing and uses up no attempt.
pub(super) async fn next(
    run: &mut Run<'_>,
    id: &str,
    challenge: OpenChallenge,
    given: Secret,
) -> Result<IndexMap<String, Secret>, Stop> {
    let Some(ask) = asking(run.connector, challenge.step) else { return Err(mismatch()) };
    let Some(field) = ask.fields.get(run.given.len()) else {
        // Nothing is asked for that one text could answer: the challenge stays as it was.
        return Err(wait(run, ask, id.to_owned(), challenge, None).await);
    };
    run.mask.add([&given]);
    run.given.insert(field.name.clone(), given);
    if run.given.len() < ask.fields.len() {
        return Err(wait(run, ask, new_id(run), challenge, None).await);
    }
    Ok(std::mem::take(&mut run.given))
}
