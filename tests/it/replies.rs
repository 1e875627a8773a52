//! Replies as upstreams send them: charsets, formats, caps, cookies; and that nothing makes a decoder panic.
