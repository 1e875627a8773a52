//! Which refresh token of a grant is good, and what a used one means.
//!
//! A caller whose reply was lost, and several that refresh at once, come with the token before the newest: within the grace they
//! get the successor that is there already, the same bytes. Whoever comes later, or with an older one, has a copy.

/// The grant's newest pair, and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation {
    pub number: u32,
    pub made_ms: u64,
}

/// What a refresh comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rotation {
    /// This generation is made now.
    Next(Generation),
    /// It was made a moment ago.
    Same(Generation),
    /// Somebody has a copy: the grant ends.
    Reused,
    /// A generation that was not made yet: the store lost a write.
    Unknown,
}

/// How long the predecessor still gets its successor.
pub(super) const GRACE_MS: u64 = 10_000;

/// What the refresh token of generation `presented` comes to.
pub(super) fn rotate(newest: Generation, presented: u32, now_ms: u64) -> Rotation {
    match newest.number.checked_sub(presented) {
        Some(0) => Rotation::Next(Generation { number: newest.number.saturating_add(1), made_ms: now_ms }),
        Some(1) if now_ms.saturating_sub(newest.made_ms) <= GRACE_MS => Rotation::Same(newest),
        Some(_) => Rotation::Reused,
        None => Rotation::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_good_its_predecessor_for_a_moment_and_an_older_one_ends_the_grant() {
        let newest = Generation { number: 5, made_ms: 100_000 };
        let at = |presented, now| rotate(newest, presented, now);
        assert_eq!(at(5, 200_000), Rotation::Next(Generation { number: 6, made_ms: 200_000 }));
        assert_eq!(at(4, 100_000 + GRACE_MS), Rotation::Same(newest));
        assert_eq!(at(4, 100_001 + GRACE_MS), Rotation::Reused);
        assert_eq!(at(3, 100_000), Rotation::Reused, "a larger distance is never a lost reply");
        assert_eq!(at(6, 100_000), Rotation::Unknown);
        // A clock that was set back makes no copy of a token good for longer than the clock says.
        assert_eq!(at(4, 50_000), Rotation::Same(newest));
    }
}
