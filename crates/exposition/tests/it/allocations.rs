//! How often the text parser allocates: as often on a long page as on a short one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use skopos_core::LabelSet as _;
use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with a count of each thread's allocations.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator's interface is unsafe; every call is passed on")]
// SAFETY: each method passes its arguments to the system's allocator unchanged and gives back what
// that gave, so its guarantees hold for this one; the counter touches no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's obligations are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from the system's allocator, through this one.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the pointer came from the system's allocator, through this one.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Reads all of a page and looks at everything that is borrowed; gives the number of samples and of
/// allocations.
fn read(format: TextFormat, page: &[u8]) -> (usize, usize) {
    let before = COUNT.get();
    let mut parser = Parser::new(format, page, ParserOptions::default());
    let mut samples = 0;
    while let Some(entry) = parser.next().expect("the page is right") {
        let Entry::Series(mut sample) = entry else { continue };
        black_box((sample.series(), sample.raw_name(), sample.value(), sample.timestamp()));
        black_box(sample.raw_labels().map(black_box).count());
        black_box(sample.raw_exemplar_labels().map(black_box).count());
        sample.labels().visit(&mut |name, value| _ = black_box((name, value)));
        black_box(sample.start_timestamp());
        samples += 1;
    }
    drop(parser);
    (samples, COUNT.get() - before)
}

#[track_caller]
fn check(format: TextFormat, start: &str, lines: &str, end: &str) {
    let page = |times| format!("{start}{}{end}", lines.repeat(times)).into_bytes();
    let (few, allocations) = read(format, &page(1_000));
    let (many, again) = read(format, &page(10_000));
    assert_eq!((few * 10, allocations), (many, again), "{lines}");
    assert!(allocations < 40, "{allocations} allocations for {lines}");
}

#[test]
fn a_sample_costs_no_allocation() {
    let prometheus = TextFormat::Prometheus;
    check(prometheus, "", "# HELP a b\n# TYPE a counter\na 1\na{b=\"c\",d=\"e\"} 2.5 1000\n", "");
    check(
        prometheus,
        "# TYPE a histogram\n",
        "a_bucket{x=\"\\n\", le=\"1\"} 1e3\n# c\n{\"a b\"} 1\n",
        "",
    );
    let openmetrics = TextFormat::OpenMetrics;
    let lines =
        "a_total{b=\"c\"} 2 # {d=\"e\",f=\"g\\\"\"} 1 1.5\na_total 1 1.5 # {} 1\na_created 1.5\n";
    check(openmetrics, "# TYPE a counter\n", lines, "# EOF\n");
}
