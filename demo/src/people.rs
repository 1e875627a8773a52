//! The users of the demo server and what it stores of their passwords.
//!
//! It stores what such servers store (a digest, or salt and digest), forgets the password itself, and compares in
//! constant time. It uses none of Doorward's own digests, so that a mistake there cannot cancel itself out here. It
//! must not know any protocol: what is read from the wire and what is answered is the families' business.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use sha2::digest::Digest;
use subtle::ConstantTimeEq;

/// What the administrator did to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// May log in.
    Active,
    /// Locked after too many wrong passwords: the password is no longer looked at.
    Locked,
    /// Left the company. A login with a wrong password does not learn this.
    Disabled,
    /// Must choose a new password. A login with a wrong password does not learn this.
    PasswordExpired,
}

/// A person as the demo's administrator typed them in.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub login: &'static str,
    /// The password: printed in the demo for people to try, kept by no server.
    pub password: &'static str,
    pub name: &'static str,
    pub mobile: &'static str,
    /// What the administrator did to the account.
    pub state: AccountState,
}

/// All users. `lisi` has a password with the characters that break careless templates.
pub const PEOPLE: [Person; 6] = [
    person("zhangsan", "123456", "张三", "13800000001", AccountState::Active),
    person("lisi", r#"密码 "9'9%&<b>=+;,|\"#, "李四", "13800000002", AccountState::Active),
    person("wangwu", "wangwu@2024", "王五", "13800000003", AccountState::Locked),
    person("zhaoliu", "zhaoliu@2024", "赵六", "13800000004", AccountState::Disabled),
    person("sunqi", "sunqi@2019", "孙七", "13800000005", AccountState::PasswordExpired),
    person("周八", "春眠不觉晓", "周八", "13800000006", AccountState::Active),
];

const fn person(
    login: &'static str,
    password: &'static str,
    name: &'static str,
    mobile: &'static str,
    state: AccountState,
) -> Person {
    Person { login, password, name, mobile, state }
}

/// What a server's protocol makes of a password, and so what it can store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The client sends the hexadecimal md5; so it is stored.
    Md5,
    /// The client sends the hexadecimal sha1 of the hexadecimal md5; so it is stored.
    Md5Sha1,
    /// The client sends the password; PBKDF2-HMAC-SHA256 with a salt is stored.
    Salted,
}

/// Rounds of PBKDF2. A real server takes 600,000 (OWASP); here the demo's table should appear at once.
const ROUNDS: u32 = 500;

struct Account {
    person: Person,
    salt: [u8; 16],
    stored: Vec<u8>,
}

/// The accounts of one server.
pub struct Directory {
    scheme: Scheme,
    accounts: Vec<Account>,
}

/// What a login with a name and a credential comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginResult {
    /// The password is right and the account may log in.
    Accepted,
    /// No such user, or the password is wrong; a client cannot tell which.
    Wrong,
    /// See [`AccountState::Locked`].
    Locked,
    /// See [`AccountState::Disabled`].
    Disabled,
    /// See [`AccountState::PasswordExpired`].
    PasswordExpired,
}

impl LoginResult {
    /// Of an account, if there is one, and whether the password is right.
    pub fn of(account: Option<AccountState>, right: bool) -> Self {
        match (account, right) {
            (Some(AccountState::Locked), _) => Self::Locked,
            (None, _) | (_, false) => Self::Wrong,
            (Some(AccountState::Active), true) => Self::Accepted,
            (Some(AccountState::Disabled), true) => Self::Disabled,
            (Some(AccountState::PasswordExpired), true) => Self::PasswordExpired,
        }
    }
}

impl Directory {
    /// All of [`PEOPLE`], stored as `scheme` allows.
    ///
    /// # Errors
    /// The system gives no randomness for the salts.
    pub fn new(scheme: Scheme) -> Result<Self, getrandom::Error> {
        let accounts = PEOPLE.iter().map(|person| {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt)?;
            let sent = match scheme {
                Scheme::Md5 => md5_hex(person.password),
                Scheme::Md5Sha1 => hex::encode(Sha1::digest(md5_hex(person.password))),
                Scheme::Salted => person.password.to_owned(),
            };
            let stored = stored(scheme, &salt, &sent);
            Ok(Account { person: Person { password: "", ..*person }, salt, stored })
        });
        Ok(Self { scheme, accounts: accounts.collect::<Result<_, _>>()? })
    }

    /// Checks what a client sent for the password of `login`. An unknown name costs as much as a wrong password.
    pub fn check_password(&self, login: &str, sent: &str) -> LoginResult {
        self.check_by(login, |account| stored(self.scheme, &account.salt, sent).ct_eq(&account.stored).into())
    }

    /// The same for a client that sends the hexadecimal md5 of what is stored and a salt of this login.
    pub fn check_with_salt(&self, login: &str, sent: &str, salt: &str) -> LoginResult {
        let salted = |account: &Account| hex::encode(Md5::digest([&account.stored, salt.as_bytes()].concat()));
        self.check_by(login, |account| salted(account).as_bytes().ct_eq(sent.as_bytes()).into())
    }

    fn check_by(&self, login: &str, is_right: impl Fn(&Account) -> bool) -> LoginResult {
        let found = self.accounts.iter().find(|account| account.person.login == login);
        let account = found.unwrap_or(&self.accounts[0]);
        let right = is_right(account);
        LoginResult::of(found.map(|account| account.person.state), right)
    }

    /// What a login of `login` without a password comes to.
    pub fn state_of(&self, login: &str) -> LoginResult {
        let found = self.accounts.iter().find(|account| account.person.login == login);
        match found.map(|account| account.person.state) {
            None => LoginResult::Wrong,
            Some(AccountState::Locked) => LoginResult::Locked,
            Some(AccountState::Disabled) => LoginResult::Disabled,
            // An old password is no matter where there is none.
            Some(AccountState::Active | AccountState::PasswordExpired) => LoginResult::Accepted,
        }
    }

    /// Makes `login` choose a new password at the next login, as an administrator does.
    pub fn expire(&mut self, login: &str) {
        if let Some(account) = self.accounts.iter_mut().find(|account| account.person.login == login) {
            account.person.state = AccountState::PasswordExpired;
        }
    }

    /// Gives `login` a new password, and unlocks the account if only the old password's age locked it.
    pub fn renew(&mut self, login: &str, sent: &str) {
        let Some(account) = self.accounts.iter_mut().find(|account| account.person.login == login) else { return };
        account.stored = stored(self.scheme, &account.salt, sent);
        if account.person.state == AccountState::PasswordExpired {
            account.person.state = AccountState::Active;
        }
    }

    /// The person of a login name that was accepted.
    pub fn person(&self, login: &str) -> &Person {
        let found = self.accounts.iter().find(|account| account.person.login == login);
        &found.unwrap_or(&self.accounts[0]).person
    }
}

fn md5_hex(text: &str) -> String {
    hex::encode(Md5::digest(text))
}

fn stored(scheme: Scheme, salt: &[u8], sent: &str) -> Vec<u8> {
    match scheme {
        Scheme::Md5 | Scheme::Md5Sha1 => sent.as_bytes().to_vec(),
        Scheme::Salted => pbkdf2(sent.as_bytes(), salt),
    }
}

/// One block of PBKDF2 (RFC 8018 section 5.2).
fn pbkdf2(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let Ok(keyed) = Hmac::<Sha256>::new_from_slice(password) else {
        return Vec::new(); // HMAC takes keys of every length
    };
    let mut block = keyed.clone().chain_update(salt).chain_update(1u32.to_be_bytes()).finalize().into_bytes();
    let mut sum = block;
    for _ in 1..ROUNDS {
        block = keyed.clone().chain_update(block).finalize().into_bytes();
        sum.iter_mut().zip(block).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum.to_vec()
}

#[cfg(test)]
mod tests {
    use super::{Directory, LoginResult, Scheme, md5_hex, pbkdf2};

    #[test]
    fn the_right_password_of_each_standing() {
        let directory = Directory::new(Scheme::Salted).unwrap();
        assert_eq!(directory.check_password("zhangsan", "123456"), LoginResult::Accepted);
        assert_eq!(directory.check_password("wangwu", "wangwu@2024"), LoginResult::Locked);
        assert_eq!(directory.check_password("zhaoliu", "zhaoliu@2024"), LoginResult::Disabled);
        assert_eq!(directory.check_password("sunqi", "sunqi@2019"), LoginResult::PasswordExpired);
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_look_the_same() {
        for scheme in [Scheme::Md5, Scheme::Md5Sha1, Scheme::Salted] {
            let directory = Directory::new(scheme).unwrap();
            for (login, sent) in
                [("zhangsan", "1234567"), ("zhangsan", ""), ("nobody", "123456"), ("", ""), ("zhaoliu", "x")]
            {
                assert_eq!(directory.check_password(login, sent), LoginResult::Wrong, "{login}");
            }
        }
    }

    #[test]
    fn the_digest_opens_only_the_server_that_wants_it() {
        let digest = md5_hex("123456");
        assert_eq!(digest, "e10adc3949ba59abbe56e057f20f883e");
        assert_eq!(Directory::new(Scheme::Md5).unwrap().check_password("zhangsan", &digest), LoginResult::Accepted);
        assert_eq!(Directory::new(Scheme::Md5Sha1).unwrap().check_password("zhangsan", &digest), LoginResult::Wrong);
        assert_eq!(Directory::new(Scheme::Salted).unwrap().check_password("zhangsan", &digest), LoginResult::Wrong);
    }

    #[test]
    fn pbkdf2_depends_on_password_and_salt() {
        assert_eq!(pbkdf2(b"p", b"s").len(), 32);
        assert_ne!(pbkdf2(b"p", b"s"), pbkdf2(b"q", b"s"));
        assert_ne!(pbkdf2(b"p", b"s"), pbkdf2(b"p", b"t"));
    }
}
