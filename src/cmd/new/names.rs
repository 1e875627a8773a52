//! What names and shapes of values suggest.
//!
//! A value that might be a secret is treated as one; a literal too few can be added by hand, a literal too many would be leaked.

const USER_NAMES: [&str; 16] = [
    "user",
    "username",
    "uname",
    "userid",
    "uid",
    "login",
    "loginname",
    "loginid",
    "account",
    "accountname",
    "usercode",
    "useraccount",
    "jusername",
    "loginuser",
    "useremail",
    "acct",
];
const PASSWORD_PARTS: [&str; 6] = ["password", "passwd", "pwd", "passwort", "psw", "credential"];
/// What a person reads from a picture, and the number of the picture: both come with each login.
const CAPTCHA_PARTS: [&str; 8] =
    ["captcha", "kaptcha", "verifycode", "verificationcode", "validatecode", "checkcode", "imagecode", "imgcode"];
pub const SIGNATURES: [&str; 5] = ["sign", "signature", "sig", "casignature", "appsign"];
/// What is signed beside the fields themselves.
pub const BESIDE_SIGNATURES: [&str; 5] = ["timestamp", "nonce", "appid", "appkey", "accesskey"];
const SECRET_PARTS: [&str; 13] =
    ["token", "key", "secret", "sign", "auth", "session", "ticket", "nonce", "csrf", "xsrf", "sid", "jwt", "cert"];

/// `user-name`, `j_username`, `UserName` are one name.
pub fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

pub fn is_username(name: &str) -> bool {
    USER_NAMES.contains(&bare(name).as_str()) || ["用户名", "账号", "姓名", "工号"].contains(&name)
}

pub fn is_password(name: &str) -> bool {
    let bare = bare(name);
    bare == "pass" || PASSWORD_PARTS.iter().any(|part| bare.contains(part)) || ["密码", "口令"].contains(&name)
}

pub fn is_secret(name: &str, value: &str) -> bool {
    let (bare, kind) = (bare(name), value.to_ascii_lowercase());
    // Braces would be read as a template; as the value of a secret they are data.
    let braces = value.contains("{{") || value.contains("${");
    braces
        || (!value.is_empty()
            && SECRET_PARTS.iter().any(|part| bare.contains(part))
            && kind != "true"
            && kind != "false")
        || is_token(value)
}

/// Long, without spaces, letters and digits mixed: no person writes such a value by hand.
pub fn is_token(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=_-.~:".contains(&byte);
    value.len() >= 16
        && value.bytes().all(plain)
        && !value.contains("://")
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Whether a name is one of a captcha.
pub fn is_captcha(name: &str) -> bool {
    let bare = bare(name);
    CAPTCHA_PARTS.iter().any(|part| bare.contains(part)) || name.contains("验证码")
}
