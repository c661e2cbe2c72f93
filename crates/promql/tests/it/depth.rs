//! Texts and trees that are as deep as they can be, on a stack that is as small as a program's threads
//! may have.

use std::hint::black_box;
use std::thread;

use skopos_promql::ast::Expr;
use skopos_promql::{
    MAX_DEPTH, MAX_NESTING, ParseOptions, complete, hover, parse, parse_recovering,
};

/// Far less than the 2 MiB that a thread has by default; code that is not optimized takes more.
const STACK: usize = if cfg!(debug_assertions) { 640 * 1024 } else { 256 * 1024 };

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread");
    thread.join().expect("the work is done");
}

/// What stands within itself, before and after the middle, and how often it may.
const NESTED: [(&str, &str, &str); 11] = [
    ("(", "foo", ")"),
    ("-", "foo", ""),
    ("-(", "foo", ")"),
    ("abs(", "foo", ")"),
    ("sum by (a) (", "foo", ")"),
    ("topk(scalar(", "foo", "), foo)"),
    ("max_over_time(", "foo", "[5m:])"),
    ("max_over_time((", "foo", ")[5m:1m] offset 5m @ start())"),
    ("1 ^ ", "foo", ""),
    ("foo + (", "foo", ")"),
    ("foo and on (a) foo - ignoring (b) foo * (", "foo", ")"),
];

/// What follows itself.
const CHAINED: [&str; 7] =
    [" + foo", " ^ foo", " and foo", " == bool foo", " or on (a) foo", "[5m:]", " - -foo"];

/// Deep durations.
const DURATIONS: [(&str, &str, &str); 8] = [
    ("foo[", "(", ")]"),
    ("foo[", "-", "]"),
    ("foo[", "max_of(1, ", ")]"),
    ("foo[1", "+1", "]"),
    ("foo[2", "^2", "]"),
    ("foo offset ", "(", ")"),
    ("foo offset ", "-(", ")"),
    ("foo offset (1", "*1", ")"),
];

/// Everything that walks a tree.
fn use_up(expr: Expr) {
    let printed = expr.to_string();
    black_box(expr.pretty());
    black_box(format!("{expr:?}").len());
    #[cfg(feature = "serde")]
    black_box(serde_json::to_string(&expr).expect("it can be written").len());
    let copy = expr.clone();
    assert_eq!(copy, expr);
    let mut nodes = 0;
    expr.walk(&mut |_| {
        nodes += 1;
        true
    });
    assert!(0 < nodes);
    black_box(expr.value_type());
    let rewritten = copy.rewrite(&mut |e| e);
    assert_eq!(rewritten.to_string(), printed);
}

fn check(text: &str) {
    for options in [ParseOptions::all(), ParseOptions::default()] {
        if let Ok(expr) = parse(text, &options) {
            use_up(expr);
        }
        let recovered = parse_recovering(text, &options);
        if let Some(expr) = recovered.expr {
            use_up(expr);
        }
    }
    for place in [0, text.len() / 2, text.len()] {
        black_box(complete(text, place, &ParseOptions::all()));
        black_box(hover(text, place, &ParseOptions::all()));
    }
}

#[test]
fn what_nests_is_refused_or_walked() {
    on_a_small_stack(|| {
        for (before, middle, after) in NESTED {
            let most = (1..=MAX_NESTING)
                .rev()
                .map(|n| format!("{}{middle}{}", before.repeat(n), after.repeat(n)))
                .find(|text| parse(text, &ParseOptions::all()).is_ok());
            check(&most.expect("once is not too deep"));
            for n in [MAX_NESTING + 1, 5_000] {
                let text = format!("{}{middle}{}", before.repeat(n), after.repeat(n));
                assert!(parse(&text, &ParseOptions::all()).is_err(), "{before} {n} times");
                check(&text);
                check(&before.repeat(n));
            }
            let text = before.repeat(100_000);
            assert!(parse(&text, &ParseOptions::all()).is_err(), "{before}");
            assert!(!parse_recovering(&text, &ParseOptions::all()).errors.is_empty(), "{before}");
        }
    });
}

#[test]
fn what_is_chained_is_refused_or_walked() {
    on_a_small_stack(|| {
        for link in CHAINED {
            let most = (1..=MAX_DEPTH)
                .rev()
                .map(|n| format!("foo{}", link.repeat(n)))
                .find(|text| parse(text, &ParseOptions::all()).is_ok());
            if let Some(most) = most {
                check(&most);
            }
            for n in [5_000, 100_000] {
                let text = format!("foo{}", link.repeat(n));
                assert!(parse(&text, &ParseOptions::all()).is_err(), "{link}");
                assert!(!parse_recovering(&text, &ParseOptions::all()).errors.is_empty(), "{link}");
            }
            check(&format!("foo{}", link.repeat(5_000)));
        }
    });
}

#[test]
fn deep_durations_are_refused_or_walked() {
    on_a_small_stack(|| {
        for (start, part, end) in DURATIONS {
            let closing = if part.contains('(') { ")" } else { "" };
            let text = |n: usize| {
                let (open, close) = end.split_at(end.len() - usize::from(end.ends_with(']')));
                let open = if closing.is_empty() { open } else { "" };
                let middle = if part.starts_with(['+', '^', '*']) { "" } else { "1" };
                format!("{start}{}{middle}{}{open}{close}", part.repeat(n), closing.repeat(n))
            };
            let most = (1..=MAX_DEPTH)
                .rev()
                .map(text)
                .find(|text| parse(text, &ParseOptions::all()).is_ok());
            check(&most.expect("once is not too deep"));
            assert!(parse(&text(100_000), &ParseOptions::all()).is_err(), "{start}{part}");
            check(&text(5_000));
        }
    });
}
