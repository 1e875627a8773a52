//! `GET /healthz`: the process answers. Open to everybody, and it says nothing else.

/// The endpoint.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}
