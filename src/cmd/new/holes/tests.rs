use super::{Holes, Literals};

fn guess(name: &str, value: &str) -> String {
    Holes::new(Literals::default()).fill(name, value)
}

#[test]
fn names_and_shapes_decide_without_literals() {
    for (name, value, template) in [
        ("user-name", "zhangsan", "{{user.username}}"),
        ("j_username", "zhangsan", "{{user.username}}"),
        ("UserPassword", "123456", "{{user.userPassword}}"),
        ("pwd", "e10adc3949ba59abbe56e057f20f883e", "{{user.userPassword | md5}}"),
        ("pwd", "7C4A8D09CA3762AF61E59520943DC26494F8941B", "{{user.userPassword | sha1 | upper}}"),
        ("lang", "zh", "zh"),
        ("timestamp", "1700000000000", "{{time.unix_ms}}"),
        ("X-App-Key", "k", "{{secret.x_app_key}}"),
        ("X-Odd", "a81bc81b-dead-4e5d", "{{secret.x_odd}}"),
        ("note", "{{user.x}}", "{{secret.note}}"),
        ("Accept", "application/json", "application/json"),
    ] {
        assert_eq!(guess(name, value), template, "{name}: {value}");
    }
}

#[test]
fn literals_go_before_names_and_find_the_digest() {
    let literals = || Literals { username: Some("zhangsan".to_owned()), password: Some("123456".to_owned()) };
    for (name, value, template) in [
        ("a", "zhangsan", "{{user.username}}"),
        ("b", "123456", "{{user.userPassword}}"),
        ("b", "10470c3b4b1fed12c3baac014be15fac67c6e815", "{{user.userPassword | md5 | sha1}}"),
        ("b", "E10ADC3949BA59ABBE56E057F20F883E", "{{user.userPassword | md5 | upper}}"),
        ("b", "MTIzNDU2", "{{user.userPassword | base64}}"),
        ("username", "other", "other"),
    ] {
        assert_eq!(Holes::new(literals()).fill(name, value), template, "{name}: {value}");
    }
    let mut holes = Holes::new(Literals { username: Some("user".to_owned()), password: Some("pw".to_owned()) });
    assert_eq!(holes.fill_text("LOGIN user pw"), "LOGIN {{user.username}} {{user.userPassword}}");
}

#[test]
fn captchas_come_with_each_login_and_are_no_secrets() {
    for (name, value, template) in [
        ("captcha", "8fk2", "{{user.captcha}}"),
        ("captchaKey", "a81bc81b-dead-4e5d", "{{user.captchakey}}"),
        ("verify_code", "8fk2", "{{user.verify_code}}"),
        ("验证码", "8fk2", "{{user.s____}}"),
        ("code", "200", "200"),
    ] {
        assert_eq!(guess(name, value), template, "{name}");
    }
    let mut holes = Holes::new(Literals::default());
    holes.see(&["username", "password", "code", "uuid"].map(str::to_owned));
    assert_eq!(holes.fill("code", "8fk2"), "{{user.code}}");
    assert_eq!(holes.fill("uuid", "a81bc81b-dead-4e5d"), "{{user.uuid}}");
    assert_eq!((holes.attributes, holes.secrets.len()), (vec!["code".to_owned(), "uuid".to_owned()], 0));
}

#[test]
fn two_secrets_of_one_name_stay_apart() {
    let mut holes = Holes::new(Literals::default());
    assert_eq!(holes.fill("token", "a"), "{{secret.token}}");
    assert_eq!(holes.fill("Token", "b"), "{{secret.token_2}}");
}
