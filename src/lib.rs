//! Doorward.
