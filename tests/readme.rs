//! The README, held to the program.

use std::fs;
use std::path::Path;

#[test]
fn its_keys_are_those_of_the_program() {
    let readme = fs::read_to_string("README.md").unwrap();
    let table = spanwalk::tui::markdown_table();
    assert!(readme.contains(table.trim()), "the README's key table should be:\n\n{table}");
}

#[test]
fn its_scenes_are_those_of_the_program() {
    let readme = fs::read_to_string("README.md").unwrap();
    let table = spanwalk::tui::scenes_table();
    assert!(readme.contains(table.trim()), "the README's table of scenes should be:\n\n{table}");
}

#[test]
fn its_links_into_the_repository_resolve() {
    let readme = fs::read_to_string("README.md").unwrap();
    let mut seen = 0;
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.starts_with("http") && !link.starts_with('#') {
            assert!(Path::new(link).exists(), "{link}");
            seen += 1;
        }
    }
    assert!(seen > 5);
}

#[test]
fn every_screenshot_is_shown_or_named() {
    let readme = fs::read_to_string("README.md").unwrap();
    let pictures = fs::read_dir("screenshots").unwrap().map(|entry| entry.unwrap().path());
    let pictures: Vec<_> = pictures.filter(|path| path.extension().is_some_and(|ending| ending != "md")).collect();
    assert!(pictures.len() > 6);
    for picture in pictures {
        assert!(readme.contains(picture.to_str().unwrap()), "{}", picture.display());
    }
}
