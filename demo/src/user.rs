//! A simulated user, who reads the telephone or the picture and types what it shows, or something wrong.
//!
//! With it the demo and the tests can answer challenges. It sees only what a person would see.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::DemoServer;
use super::people::{PEOPLE, Person};

/// What a connector asks of the user beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    Nothing,
    /// The six digits of a message.
    Message,
    /// What the authenticator app shows.
    Authenticator,
    /// A press of the button.
    Button,
    /// A new password in place of an expired one.
    NewPassword,
    /// The digits in a picture, before the password is sent.
    Picture,
}

/// How a user answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// As it should be.
    Right,
    /// Mistyped, too weak, or "no".
    Wrong,
}

/// What goes back to the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The fields that were filled in.
    Fields(Vec<(&'static str, String)>),
    /// Nothing: the console asks whether it is done.
    Poll,
}

/// A password that the demo server takes as a new one.
pub const NEW_PASSWORD: &str = "Spring-2026";

impl Asks {
    /// A user who has the right password and is asked for this.
    pub fn person(self) -> Person {
        // The user whose password has expired, or the first.
        PEOPLE[if self == Self::NewPassword { 4 } else { 0 }]
    }

    /// What `login` answers; `image` is the picture of the challenge. `None` when there is nothing to see.
    pub fn answer(self, server: &DemoServer, login: &str, image: Option<&str>, mood: Mood) -> Option<Answer> {
        let typed = |code: String| if mood == Mood::Right { code } else { mistyped(&code) };
        let code = |code: String| Answer::Fields(vec![("code", typed(code))]);
        match self {
            Self::Nothing => None,
            Self::Message => server.phone(login).code().map(code),
            Self::Authenticator => Some(code(server.phone(login).authenticator)),
            Self::Button => server.press(login, mood == Mood::Right).then_some(Answer::Poll),
            Self::NewPassword => {
                let new = if mood == Mood::Right { NEW_PASSWORD } else { "short" }.to_owned();
                Some(Answer::Fields(vec![("new_password", new.clone()), ("repeat", new)]))
            }
            Self::Picture => {
                let digits = server.read_picture(&png(image?)?)?;
                Some(Answer::Fields(vec![("captcha", typed(digits))]))
            }
        }
    }
}

/// The bytes of a `data:image/png` URL.
fn png(url: &str) -> Option<Vec<u8>> {
    STANDARD.decode(url.strip_prefix("data:image/png;base64,")?).ok()
}

/// The same digits but for the last one.
fn mistyped(digits: &str) -> String {
    let (first, last) = digits.split_at(digits.len().saturating_sub(1));
    format!("{first}{}", if last == "0" { "1" } else { "0" })
}

#[cfg(test)]
mod tests {
    use super::mistyped;

    #[test]
    fn a_mistyped_code_is_another_one() {
        assert_eq!(mistyped("012345"), "012340");
        assert_eq!(mistyped("012340"), "012341");
    }
}
