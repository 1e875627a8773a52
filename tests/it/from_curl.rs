//! `doorward new --from-curl` from outside: what it writes loads, and lets nobody in before it is filled in.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn doorward(directory: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Commands as people have them; each must give a connector that `check` takes.
const COMMANDS: &[&str] = &[
    r#"curl -X POST https://4a.example.com/api/login -H 'Content-Type: application/json' -d '{"user-name":"zhangsan","user-password":"e10adc3949ba59abbe56e057f20f883e"}'"#,
    r#"curl 'https://sso.example.com:8443/a/b?lang=zh&_=1700000000000' -H 'authorization: Bearer hunter2token' -H 'cookie: SESSION=hunter2; theme=light' -H 'content-type: application/json' --data-raw $'{"loginName":"zhang\u0021","pwd":"it\'s","deep":{"list":[1,2.50,null,true,"x"]}}' --compressed -k"#,
    "curl https://4a.example.com/login -d 'username=a&password=b&lang=zh&lang=en' --data-urlencode 'note=a b'",
    "curl https://4a.example.com/login -F username=a -F 'password=b;type=text/plain' -F client=web",
    "curl 'https://4a.example.com/check?user=a&pwd=b' -H 'X-App-Key: hunter2'",
    "curl -G https://4a.example.com/check -d user=a -d pwd=b",
    "curl -u zhangsan:hunter2 https://4a.example.com/me",
    "curl -u app:hunter2 https://4a.example.com/token -d 'username=a&password=b'",
    r#"curl https://4a.example.com/ws -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: "urn:x"' -d '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><x:login xmlns:x="urn:x"><x:userName>a</x:userName><x:password>b</x:password></x:login></s:Body></s:Envelope>'"#,
    "curl -X PUT https://4a.example.com/v1 --json '{\"account\":\"a\",\"password\":123456,\"t\":1700000000}'",
    "curl 10.1.2.3:8080/login -d 'uid=a&pass=b'",
    "curl --digest -u zhangsan:hunter2 https://4a.example.com/me",
    "curl --ntlm -u zhangsan:hunter2 https://4a.example.com/me",
    "curl --aws-sigv4 aws:amz:cn-north-1:execute-api -u AK:hunter2 https://4a.example.com/login --json '{\"username\":\"a\",\"password\":\"b\"}'",
    "curl --aws-sigv4 aws:amz -u AK:hunter2 https://sts.us-east-1.amazonaws.com/ -d Action=GetCallerIdentity",
    "curl https://4a.example.com/login -d 'user=a&pwd=b' -H 'Authorization: OAuth oauth_consumer_key=\"hunter2\", oauth_signature_method=\"HMAC-SHA1\", oauth_signature=\"hunter2\"'",
    "curl --oauth2-bearer hunter2 https://4a.example.com/login -d 'user=a&pwd=b'",
    "curl https://4a.example.com/oauth/token -u app:hunter2 -d 'grant_type=password&username=a&password=b&scope=read'",
    "curl https://4a.example.com/oauth/token -d 'grant_type=client_credentials&client_id=app&client_secret=hunter2&scope=read'",
    "curl https://4a.example.com/oauth/token -u app:hunter2 -d 'grant_type=refresh_token&refresh_token=hunter2'",
    "curl https://4a.example.com/login --json '{\"username\":\"a\",\"password\":\"b\",\"appId\":\"app1\",\"nonce\":\"hunter2\",\"timestamp\":1700000000,\"sign\":\"hunter2\"}'",
];

#[test]
fn what_it_writes_loads_and_holds_no_secret() {
    for command in COMMANDS {
        let scratch = tempfile::tempdir().unwrap();
        let made = doorward(scratch.path(), &["new", "--from-curl", command, "--output", "made.yaml"]);
        let errors = String::from_utf8_lossy(&made.stderr).into_owned();
        assert_eq!(made.status.code(), Some(0), "{command}\n{errors}");
        let text = std::fs::read_to_string(scratch.path().join("made.yaml")).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let checked = doorward(scratch.path(), &["check", "made.yaml"]);
        let said = String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
        assert_eq!(checked.status.code(), Some(0), "{command}\n{text}\n{said}");
        assert!(said.contains("3 tests") || said.contains("4 tests"), "{said}");
    }
}

/// The first command of README.md's five minutes: what it writes can be tested as it is, and says where to go on.
#[test]
fn the_readme_begins_with_a_command_that_works() {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("$ doorward init ")).unwrap();
    let (directory, command) = (line.split_whitespace().nth(3).unwrap(), line.split('"').nth(1).unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let made = doorward(scratch.path(), &["init", directory, "--from-curl", command]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let directory = scratch.path().join(directory);
    let text = std::fs::read_to_string(directory.join("connectors/my-4a.yaml")).unwrap();
    assert!(text.contains("FILL_IN"), "the README says what to search for: {text}");
    let checked = doorward(&directory, &["check", "connectors"]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
    // Every other command of the walk is one that this program has.
    for line in readme.lines().filter_map(|line| line.strip_prefix("$ doorward ")) {
        let name = line.split_whitespace().next().unwrap();
        let help = doorward(scratch.path(), &[name, "--help"]);
        assert_eq!(help.status.code(), Some(0), "doorward {name}");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        for option in line.split('#').next().unwrap().split_whitespace().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "doorward {name} has no {option}");
        }
    }
}

#[test]
fn literals_say_who_is_who() {
    let scratch = tempfile::tempdir().unwrap();
    let command = "curl https://4a.example.com/x -H 'Content-Type: text/plain' -d 'LOGIN zhangsan;10470c3b4b1fed12c3baac014be15fac67c6e815;'";
    let made = doorward(
        scratch.path(),
        &["new", "--from-curl", command, "--username", "zhangsan", "--password", "123456", "--output", "made.yaml"],
    );
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(scratch.path().join("made.yaml")).unwrap();
    assert!(text.contains("LOGIN {{user.username}};{{user.userPassword | md5 | sha1}};"), "{text}");
    let checked = doorward(scratch.path(), &["check", "made.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn mistakes_are_the_callers_and_files_are_never_overwritten() {
    let scratch = tempfile::tempdir().unwrap();
    for (command, part) in [("curl", "no URL"), ("wget x", "begin with curl"), ("curl h -d a=b", "--password VALUE")] {
        let made = doorward(scratch.path(), &["new", "--from-curl", command]);
        assert_eq!(made.status.code(), Some(64), "{command}");
        assert!(String::from_utf8_lossy(&made.stderr).contains(part), "{command}");
        assert!(made.stdout.is_empty());
    }
    std::fs::write(scratch.path().join("mine.yaml"), "mine").unwrap();
    let made = doorward(scratch.path(), &["new", "--from-curl", COMMANDS[0], "--output", "mine.yaml"]);
    assert_eq!(made.status.code(), Some(64));
    assert_eq!(std::fs::read_to_string(scratch.path().join("mine.yaml")).unwrap(), "mine");
}
