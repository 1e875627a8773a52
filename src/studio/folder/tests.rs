use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(home.path().join(name), text).unwrap();
    }
    let folder = Folder::open(home.path(), false).unwrap();
    (home, folder)
}

fn names(folder: &Folder) -> Vec<String> {
    folder.list().unwrap().into_iter().map(|file| file.name).collect()
}

#[test]
fn only_connector_files_are_listed() {
    let (home, folder) = folder(&[("b.yaml", ""), ("a.json", ""), (".c.yaml", ""), ("d.txt", ""), ("e", "")]);
    std::fs::create_dir(home.path().join("f.yaml")).unwrap();
    assert_eq!(names(&folder), ["a.json", "b.yaml"]);
}

/// Ids are no paths, and a link that leads out of the directory is not followed.
#[test]
fn nothing_outside_of_the_directory_is_read_or_written() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("x.yaml"), "secret").unwrap();
    let (home, folder) = folder(&[("real.yaml", "inside")]);
    symlink(outside.path().join("x.yaml"), home.path().join("out.yaml")).unwrap();
    symlink("real.yaml", home.path().join("within.yaml")).unwrap();
    for id in ["../x", "x/../real", "", ".", "..", "a.b", "A", "a\0b", &"a".repeat(65)] {
        assert!(!Folder::is_id(id), "{id}");
        assert!(folder.find(id).unwrap().is_none(), "{id}");
    }
    let out = folder.find("out").unwrap().unwrap();
    assert!(folder.read(&out).is_err());
    assert!(matches!(folder.save("out", "x", Some("y")), Err(FolderError::ReadOnly(_))));
    let within = folder.find("within").unwrap().unwrap();
    assert!(within.is_link && folder.why_read_only(Some(&within)).is_some());
    assert!(matches!(folder.save("within", "x", Some("y")), Err(FolderError::ReadOnly(_))));
    assert_eq!(std::fs::read_to_string(outside.path().join("x.yaml")).unwrap(), "secret");
}

#[test]
fn a_file_is_replaced_whole_with_its_mode_and_only_if_it_is_as_it_was() {
    let (home, folder) = folder(&[("a.yaml", "one\n")]);
    let path = home.path().join("a.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let first = folder.read(&folder.find("a").unwrap().unwrap()).unwrap();
    let second = folder.save("a", "two\r\n", Some(&first.etag)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\r\n");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    // Somebody else saves meanwhile.
    std::fs::write(&path, "three\n").unwrap();
    let Err(FolderError::Changed(Some(present))) = folder.save("a", "four\n", Some(&second.etag)) else { panic!() };
    assert_eq!(present.text, "three\n");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    assert_eq!(names(&folder), ["a.yaml"], "nothing is left beside it");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_new_file_takes_no_other_files_place() {
    let (home, folder) = folder(&[("a.yml", "one\n")]);
    assert!(matches!(folder.save("a", "x", None), Err(FolderError::Changed(Some(_)))));
    assert!(matches!(folder.save("b", "x", Some("\"y\"")), Err(FolderError::Changed(None))));
    folder.save("b", "new\n", None).unwrap();
    assert_eq!(names(&folder), ["a.yml", "b.yaml"]);
    assert_eq!(std::fs::read_to_string(home.path().join("b.yaml")).unwrap(), "new\n");
}

#[test]
fn read_only_means_that_nothing_is_written() {
    let (home, _) = folder(&[("a.yaml", "one\n")]);
    let folder = Folder::open(home.path(), true).unwrap();
    let file = folder.find("a").unwrap().unwrap();
    let etag = folder.read(&file).unwrap().etag;
    assert!(folder.why_read_only(Some(&file)).unwrap().contains("--read-only"));
    assert!(matches!(folder.save("a", "two", Some(&etag)), Err(FolderError::ReadOnly(_))));
    assert!(matches!(folder.save("b", "two", None), Err(FolderError::ReadOnly(_))));
    assert_eq!(std::fs::read_to_string(home.path().join("a.yaml")).unwrap(), "one\n");
}

#[test]
fn a_large_file_and_one_that_is_no_text_are_refused() {
    let (home, folder) = folder(&[("a.yaml", &"x".repeat(MAX_BYTES + 1))]);
    std::fs::write(home.path().join("b.yaml"), [0xff, 0xfe]).unwrap();
    let read = |id: &str| folder.read(&folder.find(id).unwrap().unwrap());
    assert!(matches!(read("a"), Err(FolderError::TooLarge)));
    assert!(matches!(read("b"), Err(FolderError::NotText)));
}
