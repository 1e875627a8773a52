//! Faults of the studio's calls, beside those of the API.

use http::StatusCode;

use crate::api::problem::ProblemKind;

pub(super) const FOREIGN_HOST: ProblemKind = ProblemKind::new(
    StatusCode::FORBIDDEN,
    "foreign_host",
    "The studio answers under the address that it printed, and under no other name",
);
pub(super) const FOREIGN_ORIGIN: ProblemKind =
    ProblemKind::new(StatusCode::FORBIDDEN, "foreign_origin", "The studio takes calls from its own page only");
pub(super) const NO_SESSION: ProblemKind = ProblemKind::new(
    StatusCode::UNAUTHORIZED,
    "no_session",
    "The session has ended; press Enter in the studio's terminal for another link",
);
pub(super) const WRONG_LINK: ProblemKind = ProblemKind::new(
    StatusCode::FORBIDDEN,
    "wrong_link",
    "The link was used before or is too old; press Enter in the studio's terminal for another",
);
pub(super) const TOO_MANY_LINKS: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_links", "Too many wrong links were tried");
pub(super) const UNKNOWN_FILE: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "unknown_connector", "There is no connector with this id");
pub(super) const BAD_ID: ProblemKind = ProblemKind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "bad_id",
    "An id has lower-case letters, digits and hyphens, at most 64",
);
pub(super) const UNREADABLE: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "unreadable", "The file cannot be read");
pub(super) const UNWRITABLE: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "unwritable", "The file cannot be written");
pub(super) const CHANGED: ProblemKind =
    ProblemKind::new(StatusCode::PRECONDITION_FAILED, "changed", "The file was changed elsewhere since it was opened");
pub(super) const NO_PRECONDITION: ProblemKind = ProblemKind::new(
    StatusCode::PRECONDITION_REQUIRED,
    "no_precondition",
    "A file is saved with If-Match and its ETag, a new one with If-None-Match: *",
);
pub(super) const DOES_NOT_LOAD: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "does_not_load", "The connector has mistakes; nothing was sent");
pub(super) const WITHHELD: ProblemKind = ProblemKind::new(
    StatusCode::CONFLICT,
    "secret-withheld",
    "The draft names what the saved connector does not; nothing was read or sent. Save it first, or render only",
);
pub(super) const TOO_MANY_TESTS: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tests", "Ten send tests a minute; wait a little");
pub(super) const UNKNOWN_PATH: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "unknown_path", "There is no such page");
pub(super) const WRONG_METHOD: ProblemKind =
    ProblemKind::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "The page does not take this method");
pub(super) const BAD_REQUEST: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "bad_request", "The request is not one that HTTP allows here");
pub(super) const UTILITY: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "utility", "A utility is tested on the command line for now");
pub(super) const NO_EDIT: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "no_edit", "The text cannot be changed this way");
pub(super) const NO_CASE: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "no_case", "The test cannot be recorded");
pub(super) const NO_PROPOSAL: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "no_proposal", "No rules can be proposed yet");
pub(super) const NO_IMPORT: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "no_import", "The command cannot be taken over");
pub(super) const BROKEN: ProblemKind =
    ProblemKind::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", "The call failed inside the studio");
