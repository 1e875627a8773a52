//! The users of the demo server and what it stores of their passwords.
//!
//! It stores what such servers store (a digest, or salt and digest), forgets the password itself, and compares in
//! constant time. It uses none of Doorward's own digests, so that a mistake there cannot cancel itself out here. It must
//! not know any protocol: what is read from the wire and what is answered is the families' business.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use sha2::digest::Digest;
use subtle::ConstantTimeEq;

/// What the administrator did to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// May log in.
    Active,
    /// Locked after too many wrong passwords: nobody looks at the password any more.
    Locked,
    /// Left the company; only who knows the password is told.
    Disabled,
    /// Must choose a new password; only who knows the old one is told.
    PasswordExpired,
}

/// A person as the demo's administrator typed them in.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The login name.
    pub login: &'static str,
    /// The password: printed in the demo for people to try, kept by no server.
    pub password: &'static str,
    /// The name to show.
    pub name: &'static str,
    /// The mobile number.
    pub mobile: &'static str,
    /// What the administrator did to the account.
    pub standing: Standing,
}

/// Everybody. `lisi` has a password with the characters that break careless templates.
pub const PEOPLE: [Person; 6] = [
    person("zhangsan", "123456", "张三", "13800000001", Standing::Active),
    person("lisi", r#"密码 "9'9%&<b>=+;,|\"#, "李四", "13800000002", Standing::Active),
    person("wangwu", "wangwu@2024", "王五", "13800000003", Standing::Locked),
    person("zhaoliu", "zhaoliu@2024", "赵六", "13800000004", Standing::Disabled),
    person("sunqi", "sunqi@2019", "孙七", "13800000005", Standing::PasswordExpired),
    person("周八", "春眠不觉晓", "周八", "13800000006", Standing::Active),
];

const fn person(
    login: &'static str,
    password: &'static str,
    name: &'static str,
    mobile: &'static str,
    standing: Standing,
) -> Person {
    Person { login, password, name, mobile, standing }
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

/// What became of a name and a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knock {
    /// Right, and may come in.
    Welcome,
    /// No such user, or the password is wrong: told apart to nobody.
    Wrong,
    /// See [`Standing::Locked`].
    Locked,
    /// See [`Standing::Disabled`].
    Disabled,
    /// See [`Standing::PasswordExpired`].
    PasswordExpired,
}

impl Directory {
    /// Everybody of [`PEOPLE`], stored as `scheme` allows.
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
    pub fn knock(&self, login: &str, sent: &str) -> Knock {
        let found = self.accounts.iter().find(|account| account.person.login == login);
        let account = found.unwrap_or(&self.accounts[0]);
        let right = bool::from(stored(self.scheme, &account.salt, sent).ct_eq(&account.stored));
        match (found.map(|account| account.person.standing), right) {
            (Some(Standing::Locked), _) => Knock::Locked,
            (None, _) | (_, false) => Knock::Wrong,
            (Some(Standing::Active), true) => Knock::Welcome,
            (Some(Standing::Disabled), true) => Knock::Disabled,
            (Some(Standing::PasswordExpired), true) => Knock::PasswordExpired,
        }
    }

    /// What the administrator did to `login`, for a server that asks for no password.
    pub fn standing(&self, login: &str) -> Knock {
        let found = self.accounts.iter().find(|account| account.person.login == login);
        match found.map(|account| account.person.standing) {
            None => Knock::Wrong,
            Some(Standing::Locked) => Knock::Locked,
            Some(Standing::Disabled) => Knock::Disabled,
            // An old password is no matter where there is none.
            Some(Standing::Active | Standing::PasswordExpired) => Knock::Welcome,
        }
    }

    /// Makes `login` choose a new password at the next login, as an administrator does.
    pub fn expire(&mut self, login: &str) {
        if let Some(account) = self.accounts.iter_mut().find(|account| account.person.login == login) {
            account.person.standing = Standing::PasswordExpired;
        }
    }

    /// Gives `login` a new password, and with it good standing when only the old password stood in the way.
    pub fn renew(&mut self, login: &str, sent: &str) {
        let Some(account) = self.accounts.iter_mut().find(|account| account.person.login == login) else { return };
        account.stored = stored(self.scheme, &account.salt, sent);
        if account.person.standing == Standing::PasswordExpired {
            account.person.standing = Standing::Active;
        }
    }

    /// The person behind a login name that was let in.
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
    use super::{Directory, Knock, Scheme, md5_hex, pbkdf2};

    #[test]
    fn the_right_password_of_each_standing() {
        let directory = Directory::new(Scheme::Salted).unwrap();
        assert_eq!(directory.knock("zhangsan", "123456"), Knock::Welcome);
        assert_eq!(directory.knock("wangwu", "wangwu@2024"), Knock::Locked);
        assert_eq!(directory.knock("zhaoliu", "zhaoliu@2024"), Knock::Disabled);
        assert_eq!(directory.knock("sunqi", "sunqi@2019"), Knock::PasswordExpired);
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_look_the_same() {
        for scheme in [Scheme::Md5, Scheme::Md5Sha1, Scheme::Salted] {
            let directory = Directory::new(scheme).unwrap();
            for (login, sent) in
                [("zhangsan", "1234567"), ("zhangsan", ""), ("nobody", "123456"), ("", ""), ("zhaoliu", "x")]
            {
                assert_eq!(directory.knock(login, sent), Knock::Wrong, "{login}");
            }
        }
    }

    #[test]
    fn the_digest_opens_only_the_server_that_wants_it() {
        let digest = md5_hex("123456");
        assert_eq!(digest, "e10adc3949ba59abbe56e057f20f883e");
        assert_eq!(Directory::new(Scheme::Md5).unwrap().knock("zhangsan", &digest), Knock::Welcome);
        assert_eq!(Directory::new(Scheme::Md5Sha1).unwrap().knock("zhangsan", &digest), Knock::Wrong);
        assert_eq!(Directory::new(Scheme::Salted).unwrap().knock("zhangsan", &digest), Knock::Wrong);
    }

    #[test]
    fn pbkdf2_depends_on_password_and_salt() {
        assert_eq!(pbkdf2(b"p", b"s").len(), 32);
        assert_ne!(pbkdf2(b"p", b"s"), pbkdf2(b"q", b"s"));
        assert_ne!(pbkdf2(b"p", b"s"), pbkdf2(b"p", b"t"));
    }
}
