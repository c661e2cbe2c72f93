//! Queries over pages of metrics, and over a server that answers one question.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use crate::run::{Run, folder, skopos};

const PAGE: &str = "\
# TYPE hits counter
hits{code=\"200\",path=\"/\"} 3 1000
hits{code=\"200\",path=\"/\"} 9 61000
hits{code=\"500\",path=\"/a,b\"} 1 61000
";

#[track_caller]
fn ask(arguments: &[&str]) -> Run {
    let folder = folder(&[("page.prom", PAGE)]);
    let run = skopos(folder.path(), arguments, PAGE);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    run
}

#[test]
fn a_page_answers_at_its_newest_time() {
    let run = ask(&["query", "instant", "--file", "page.prom", "sum by (code) (hits)"]);
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(
        answer,
        json!({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {"code": "200"}, "value": [61, "9"]},
            {"metric": {"code": "500"}, "value": [61, "1"]},
        ]}})
    );
}

#[test]
fn a_page_can_come_from_standard_input_and_the_time_from_the_command_line() {
    let run = ask(&["query", "instant", "--file", "-", "--time", "1970-01-01T00:00:01Z", "hits"]);
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(answer["data"]["result"][0]["value"], json!([1, "3"]));
}

#[test]
fn ranges_have_all_steps() {
    let run = ask(&[
        "query",
        "range",
        "--file",
        "page.prom",
        "--start",
        "1",
        "--end",
        "61",
        "--step",
        "30s",
        "--output",
        "csv",
        "hits{code=\"200\"} * 2",
    ]);
    let expected = "\
code,path,timestamp,value
200,/,1970-01-01T00:00:01Z,6
200,/,1970-01-01T00:00:31Z,6
200,/,1970-01-01T00:01:01Z,18
";
    assert_eq!(run.stdout, expected);
}

#[test]
fn fields_with_commas_are_quoted() {
    let run = ask(&["query", "instant", "--file", "page.prom", "-o", "csv", "hits{code=\"500\"}"]);
    let expected = "\
__name__,code,path,timestamp,value
hits,500,\"/a,b\",1970-01-01T00:01:01Z,1
";
    assert_eq!(run.stdout, expected);
}

#[test]
fn tables_have_a_column_a_label_and_no_colors_in_a_pipe() {
    let run = ask(&["query", "instant", "--file", "page.prom", "-o", "table", "hits"]);
    for text in ["metric", "code", "path", "value", "hits", "/a,b", "2 series"] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    assert!(!run.stdout.contains('\x1b'), "{}", run.stdout);
    let run = ask(&["query", "range", "--file", "page.prom", "-o", "table", "hits"]);
    assert!(run.stdout.contains("mean") && !run.stdout.contains('\x1b'), "{}", run.stdout);
    let run = ask(&["query", "instant", "--file", "page.prom", "-o", "table", "1 + 1"]);
    assert_eq!(run.stdout, "2 at 1970-01-01T00:01:01Z\n");
}

#[test]
fn a_plan_needs_no_data() {
    let arguments = ["query", "explain", "--time", "5", "sum by (code) (rate(hits[1m])) * (2 + 3)"];
    let run = skopos(Path::new("."), &arguments, "");
    let expected = "\
query  sum by (code) (rate(hits[1m])) * (2 + 3)
times  1970-01-01T00:00:05Z

*
├─ sum by (code)   fused
│  └─ rate
│     └─ hits[1m]  #1
└─ 5               constant

#1  {__name__=\"hits\"}  1969-12-31T23:59:05.001Z to 1970-01-01T00:00:05Z  range 1m, rate
";
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), expected), "{run:?}");
    let arguments = ["query", "explain", "-o", "json", "--end", "60", "--step", "30s", "hits"];
    let run = skopos(Path::new("."), &arguments, "");
    let plan: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((&plan["start"], &plan["step"]), (&json!(-240.0), &json!(30.0)));
    assert_eq!(plan["plan"]["steps"], 11);
    check_error(&["query", "explain", "sum("], "", "1:5: parse error: unclosed left parenthesis");
}

#[test]
fn a_query_is_analyzed_over_a_page() {
    let run = ask(&["query", "analyze", "--file", "page.prom", "sum by (code) (hits)"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "query  sum by (code) (hits)");
    let cost = "cost   2 samples read of 2 series, at most 2 samples in ";
    assert!(lines[2].starts_with(cost), "{}", run.stdout);
    let titles: Vec<&str> = lines[4].split_whitespace().collect();
    assert_eq!(titles, ["series", "samples", "bytes", "time"], "{}", run.stdout);
    assert!(lines[6].starts_with("└─ hits") && lines[6].ends_with("#1"), "{}", run.stdout);
    let run = ask(&["query", "analyze", "--file", "page.prom", "-o", "json", "hits"]);
    let analysis: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(analysis["plan"]["series"], 2);
    assert!(analysis["plan"]["seconds"].is_number(), "{analysis}");
}

#[test]
fn a_server_is_asked_to_analyze() {
    let body = r#"{"status":"success","data":{"text":"a tree\n","explanation":{"query":"up"}}}"#;
    let (url, server) = answer_once("200 OK", body, b"analyze=true");
    let run = skopos(Path::new("."), &["query", "analyze", "--url", &url, "--time", "5", "up"], "");
    let request = server.join().expect("the server answers");
    assert!(request.starts_with("POST /prefix/api/v1/query_explain HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("query=up&timeout=120000ms&time=5&analyze=true"), "{request}");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "a tree\n"), "{run:?}");
    let (url, server) = answer_once("200 OK", body, b"analyze=true");
    let arguments = ["query", "analyze", "--url", &url, "-o", "json", "up"];
    let run = skopos(Path::new("."), &arguments, "");
    server.join().expect("the server answers");
    assert_eq!(run.stdout, "{\"query\":\"up\"}\n");
}

#[track_caller]
fn check_error(arguments: &[&str], input: &str, expected: &str) {
    let run = skopos(Path::new("."), arguments, input);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    assert_eq!(run.stderr, format!("skopos: error: {expected}\n"));
}

#[test]
fn what_is_wrong_is_said_once() {
    let file = ["query", "instant", "--file", "-"];
    let query = |text| file.into_iter().chain([text]).collect::<Vec<_>>();
    check_error(&query("sum("), PAGE, "1:5: parse error: unclosed left parenthesis");
    let run = skopos(Path::new("."), &query("up"), "up{ 1\n");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.starts_with("skopos: error: -:1:5: expected label name"), "{run:?}");
    let missing = ["query", "instant", "--file", "missing.prom", "up"];
    let run = skopos(Path::new("."), &missing, "");
    assert!(run.stderr.starts_with("skopos: error: cannot read missing.prom: "), "{run:?}");
}

/// A server that answers the next request with this status and body; returns the request.
///
/// The request is over where its body ends with `last`: the form is the last thing of a request.
fn answer_once(
    status: &str,
    body: &str,
    last: &'static [u8],
) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/prefix/", listener.local_addr().expect("an address"));
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).expect("a readable request");
            request.extend_from_slice(&buffer[..read]);
            if read == 0 || request.ends_with(last) {
                break;
            }
        }
        stream.write_all(response.as_bytes()).expect("a reader");
        String::from_utf8(request).expect("text")
    });
    (url, server)
}

#[test]
fn a_server_is_asked_through_its_api() {
    let body = r#"{"status":"success","data":{"resultType":"scalar","result":[5,"2"]},"warnings":["odd"]}"#;
    let (url, server) = answer_once("200 OK", body, b"time=5");
    let arguments = ["query", "instant", "--url", &url, "--time", "5", "-o", "table", "1 + 1"];
    let run = skopos(Path::new("."), &arguments, "");
    let request = server.join().expect("the server answers");
    assert!(request.starts_with("POST /prefix/api/v1/query HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\nquery=1+%2B+1&timeout=120000ms&time=5"), "{request}");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout, "2 at 1970-01-01T00:00:05Z\n");
    assert_eq!(run.stderr, "odd\n");
}

#[test]
fn a_servers_refusal_is_an_error() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"no"}"#;
    let (url, server) = answer_once("400 Bad Request", body, b"time=5");
    let run = skopos(Path::new("."), &["query", "instant", "--url", &url, "--time", "5", "x"], "");
    server.join().expect("the server answers");
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), "skopos: error: bad_data: no\n"));
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let run = skopos(Path::new("."), &["query", "instant", "--url", &url, "up"], "");
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.starts_with(&format!("skopos: error: cannot ask {url}/api/v1/query: ")),
        "{run:?}"
    );
}
