//! Names and contents of discovery files.

use super::{is_file_pattern, parse};

#[test]
fn patterns_name_json_and_yaml_files() {
    for good in ["a.json", "dir/a.yml", "dir/*.yaml", "d/a*b.JSON", "*.yml"] {
        assert!(is_file_pattern(good), "{good}");
    }
    for bad in ["a", "a.txt", "*/a.json", "a.json.bak", ""] {
        assert!(!is_file_pattern(bad), "{bad}");
    }
}

#[test]
fn json_and_yaml_say_the_same() {
    let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"env": "x"}}, null]"#;
    let yaml = "- targets: [a:1, b:2]\n  labels: {env: x}\n- null\n";
    let parsed = parse(json, true).unwrap();
    assert_eq!(parsed, parse(yaml, false).unwrap());
    assert_eq!(parsed[0].as_ref().unwrap().targets.as_ref().unwrap().len(), 2);
    assert_eq!(parsed[1], None);
    assert_eq!(parse("", false).unwrap(), []);
    assert_eq!(parse("null", true).unwrap(), []);
}

#[test]
fn unknown_keys_are_refused() {
    assert!(parse(r#"[{"target": []}]"#, true).unwrap_err().contains("unknown field"));
    assert!(parse("- target: []", false).unwrap_err().contains("unknown field"));
}
