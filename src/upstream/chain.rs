//! Iterates over a chain of errors. `std::io::Error` hides the error that it wraps from `source()`, so it is opened here.

use std::error::Error as StdError;
use std::io;

/// The first error of type `E` in the chain that begins with `error`.
pub fn cause<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
