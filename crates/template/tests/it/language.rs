//! What the vectors leave out: methods of hosts, times and durations, floats in odd formats.

use std::rc::Rc;

use skopos_core::{Error, Expander, Expansion, Labels, SampleValue, Timestamp};
use skopos_template::{
    AlertExpander, CallError, Limits, List, NoFunctions, Signature, Struct, Template, Type, Value,
};
use skopos_testkit::TableEngine;

/// What a template expands to, where the query `up` finds nothing.
fn expand(text: &str) -> Result<String, Error> {
    let expansion = Expansion {
        name: "__alert_Test",
        labels: &Labels::from_pairs([("job", "api")]),
        external_labels: &Labels::empty(),
        external_url: "https://example.org/a%20b/c?x#y",
        value: &SampleValue::Float(1.0),
        t: Timestamp::from_millis(1_700_000_000_000),
        engine: &TableEngine::new().with("up", []),
    };
    AlertExpander::new().expand(text, &expansion)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let got = expand(text);
    assert_eq!(got.map_err(|e| e.to_string()), Ok(expected.to_owned()), "{text}");
}

#[test]
fn times_have_their_methods() {
    check(
        r#"{{ (toTime 951782400).Format "Monday, 02-Jan-06 03:04PM" }}"#,
        "Tuesday, 29-Feb-00 12:00AM",
    );
    check(r#"{{ (toTime 951782400).YearDay }}"#, "60");
    check(
        r#"{{ (toTime 951782400).Format "002 __2 _2 2 1 4 5 pm .000 -07:00" }}"#,
        "060  60 29 29 2 0 0 am .000 +00:00",
    );
    check(r#"{{ ((toTime 951782400).AddDate 1 0 0).Format "2006-01-02" }}"#, "2001-03-01");
    check("{{ (toTime 90).Sub (toTime 30) }}", "1m0s");
    check("{{ (toTime 90).After (toTime 30) }} {{ (toTime 90).Equal (toTime 90) }}", "true true");
    check("{{ (toTime 95).Truncate (toDuration 60) }}", "1970-01-01 00:01:00 +0000 UTC");
    check("{{ (toTime 95).Round (toDuration 60) }}", "1970-01-01 00:02:00 +0000 UTC");
    check(
        r#"{{ printf "%#v" (toTime 90) }}"#,
        "time.Date(1970, time.January, 1, 0, 1, 30, 0, time.UTC)",
    );
    check("{{ (toTime -1).Year }} {{ (toTime -1).Weekday }}", "1969 Wednesday");
}

#[test]
fn durations_have_their_methods() {
    check(
        "{{ toDuration 0.0000015 }} {{ toDuration 0.0025 }} {{ toDuration -90061.25 }}",
        "1.5µs 2.5ms -25h1m1.25s",
    );
    check("{{ (toDuration 90).Seconds }} {{ (toDuration 90.0015).Milliseconds }}", "90 90001");
    check("{{ (toDuration 100).Round (toDuration 60) }}", "2m0s");
    check("{{ (toDuration -100).Abs }}", "1m40s");
}

#[test]
fn the_path_of_the_url_is_unescaped() {
    check("{{ pathPrefix }}", "/a b/c");
}

#[test]
fn a_replacement_that_could_explode_is_refused() {
    let text = r#"{{ $x := printf "%100000s" "" }}{{ reReplaceAll "" $x $x }}"#;
    let error = expand(text).unwrap_err();
    assert_eq!(error.kind(), skopos_core::ErrorKind::Limit);
}

#[test]
fn values_nest_only_so_deep() {
    let text = "{{ $x := 1 }}{{ range 100 }}{{ $x = args $x }}{{ end }}";
    let error = expand(text).unwrap_err();
    assert_eq!(error.kind(), skopos_core::ErrorKind::Limit);
    let wide = "{{ $x := 1 }}{{ range 40 }}{{ $x = args $x $x }}{{ end }}{{ $x }}";
    let error = expand(wide).unwrap_err();
    assert_eq!(error.kind(), skopos_core::ErrorKind::Limit);
    let compared =
        "{{ $x := 1 }}{{ range 45 }}{{ $x = args $x $x }}{{ end }}{{ eq (query \"up\") $x }}";
    let error = expand(compared).unwrap_err();
    assert!(error.to_string().len() < 3 << 20);
    let asking = "{{ range 5000 }}{{ $x := query \"up\" }}{{ end }}";
    let error = expand(asking).unwrap_err();
    assert_eq!(error.kind(), skopos_core::ErrorKind::Limit);
}

#[test]
fn formats_of_floats() {
    check(
        r#"{{ printf "%x|%.2x|%.0x|%X" 1.0 1.999 1.5 -0.1 }}"#,
        "0x1p+00|0x1.00p+01|0x1p+01|-0X1.999999999999AP-04",
    );
    check(
        r#"{{ printf "%b|%.3e|%G|%#.3g|%#f" 1.0 12345.678 1e-10 1.0 2.0 }}"#,
        "4503599627370496p-52|1.235e+04|1E-10|1.00|2.000000",
    );
    check(
        r#"{{ printf "%.3g|%.1f|%.0f|%g|%g" 1234567.0 0.25 2.5 1e20 1e21 }}"#,
        "1.23e+06|0.2|2|1e+20|1e+21",
    );
    check(
        r#"{{ printf "%08.3f|%-10.2e|%+g|% g" -3.14159 2.0 5.0 5.0 }}"#,
        "-003.142|2.00e+00  |+5| 5",
    );
}

/// A type of a host with everything that one can have.
#[derive(Debug)]
struct Alert(&'static str);

impl Struct for Alert {
    fn type_name(&self) -> &str {
        "template.Alert"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Status", Value::from(self.0))]
    }

    fn text(&self) -> Option<String> {
        Some(format!("alert {}", self.0))
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Is" => Some(Signature::fixed(&[Type::Text])),
            "Fail" => Some(Signature::fixed(&[])),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        match name {
            "Is" => Ok(Value::Bool(args[0].to_text() == self.0)),
            _ => Err(CallError::new("it failed")),
        }
    }
}

#[track_caller]
fn check_host(text: &str, expected: &str) {
    let alerts = vec![Value::Struct(Rc::new(Alert("firing"))), Value::pointer(Alert("resolved"))];
    let list = Value::List(List::new("template.Alerts", alerts).unwrap());
    let got = Template::parse("t", text, &NoFunctions, &Limits::default())
        .and_then(|template| template.execute(&list, &NoFunctions))
        .map_or_else(|error| error.to_string(), |out| String::from_utf8(out).unwrap());
    assert_eq!(got, expected, "{text}");
}

#[test]
fn hosts_have_fields_methods_and_a_text() {
    check_host(
        r#"{{ range . }}{{ .Status }} {{ .Is "firing" }};{{ end }}"#,
        "firing true;resolved false;",
    );
    check_host("{{ . }}", "[alert firing alert resolved]");
    check_host(r#"{{ printf "%T" (index . 1) }}"#, "*template.Alert");
    check_host(r#"{{ "firing" | (index . 0).Is }}"#, "true");
    check_host(
        "{{ (index . 0).Fail }}",
        r#"template: t:1:14: executing "t" at <(index . 0).Fail>: error calling Fail: it failed"#,
    );
    check_host(
        "{{ (index . 0).Nope }}",
        r#"template: t:1:12: executing "t" at <0>: can't evaluate field Nope in type template.Alert"#,
    );
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let got = Template::parse("t", text, &NoFunctions, &Limits::default())
        .and_then(|template| template.execute(&Value::Nil, &NoFunctions))
        .map_err(|error| error.to_string());
    assert_eq!(got, Err(expected.to_owned()), "{text}");
}

#[test]
fn errors_name_the_place_that_go_names() {
    check_error(
        "{{ (len \"a\").X }}",
        r#"template: t:1:8: executing "t" at <"a">: can't evaluate field X in type int"#,
    );
    check_error(
        "{{ \"raw\" | call }}",
        r#"template: t:1:11: executing "t" at <call>: error calling call: non-function raw of type string"#,
    );
    check_error(
        "{{ block \"b\" . }}\n\n{{ else }}{{ end }}",
        "template: t:1: unexpected {{else}} in block clause",
    );
    check_error(
        "{{ define \"d\" }}\n\n{{ else }}{{ end }}",
        "template: t:3: unexpected {{else}} in define clause",
    );
    check_error(
        r#"{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}"#,
        r#"template: t:1:28: executing "r" at <{{template "r" .}}>: exceeded maximum template depth (250)"#,
    );
    check_error("a\n{{ if true }}\n{{ \"x", "template: t:3: unterminated quoted string");
    check_error(
        "{{ len\n  .x-y }}",
        "template: t:2: bad character U+002D '-' in action started at t:1",
    );
}
