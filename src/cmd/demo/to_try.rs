//! What the demo prints below its tables: commands for a second terminal, and the users.

use doorward_demo::people::{AccountState, PEOPLE};
use doorward_demo::user::NEW_PASSWORD;

/// Where everything is.
pub struct Places<'a> {
    /// The daemon's origin.
    pub daemon: &'a str,
    /// A token for it.
    pub token: &'a str,
    /// The demo server's origin.
    pub upstream: &'a str,
    /// A link to the studio.
    pub studio: &'a str,
    /// The address of the login page.
    pub page: &'a str,
    /// `doorward test` with the path of the connectors' folder.
    pub test: &'a str,
}

/// The commands.
pub fn text(places: &Places<'_>) -> String {
    let Places { daemon, token, upstream, studio, page, test } = places;
    let headers = format!("-H 'Authorization: Bearer {token}' -H 'Content-Type: application/json'");
    let login = r#"{"username":"zhangsan","password":"123456"}"#;
    let answer = r#"{"challenge":"ID","answers":{"code":"CODE"}}"#;
    format!(
        "\nA page to look at these connectors, change them and test them (the link works once; Enter prints another):\n\
         \n  {studio}\n\
         \nA login page, as users see it, with a connector for each kind of challenge:\n\
         \n  {page}\n\
         \nIn another terminal, a login over the API:\n\
         \n  curl -i {daemon}/v1/connectors/foura-json-md5/authenticate \\\n    {headers} \\\n    -d '{login}'\n\
         \none with a challenge: the login, zhangsan's telephone, and the answer with the challenge's ID and the CODE:\n\
         \n  curl -i {daemon}/v1/connectors/sms-code/authenticate \\\n    {headers} \\\n    -d '{login}'\n\
         \n  curl '{upstream}/demo/phone?login=zhangsan'\n\
         \n  curl -i {daemon}/v1/challenges \\\n    {headers} \\\n    -d '{answer}'\n\
         \nand the same with every stage shown (it asks for the password, and for the code):\n\
         \n  {test}/foura-json-md5.yaml --username zhangsan --set base={upstream}\n\
         \n  {test}/sms-code.yaml --username zhangsan --set base={upstream}\n\
         \nThe telephone says which connector each code is for. It shows what the authenticator\n\
         app shows, too, and has buttons for push-confirm:\n\
         \n  curl -d login=zhangsan {upstream}/demo/phone/confirm\n\
         \nUsers and passwords:\n{}\nCtrl-C ends the demo.",
        people()
    )
}

fn people() -> String {
    let lines = PEOPLE.iter().map(|person| {
        let state = match person.state {
            AccountState::Active => String::new(),
            AccountState::Locked => "  (locked)".to_owned(),
            AccountState::Disabled => "  (disabled)".to_owned(),
            // The table has renewed it there.
            AccountState::PasswordExpired => format!("  (password expired; {NEW_PASSWORD} at password-renewal)"),
        };
        format!("  {}  {}{state}\n", person.login, person.password)
    });
    lines.collect()
}
