//! How often the text parser allocates: as often on a long page as on a short one. And how much memory a
//! reader of pieces has at once: as much for a long page as for a short one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, Read};
use std::ops::ControlFlow;

use skopos_core::LabelSet as _;
use skopos_exposition::{Entry, PageFormat, PageReader, Parser, ParserOptions, TextFormat};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static MOST_BYTES: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, with a count of each thread's allocations and their bytes.
struct Counting;

fn count(freed: usize, taken: usize) {
    if 0 < taken {
        _ = COUNT.try_with(|count| count.set(count.get() + 1));
    }
    _ = BYTES.try_with(|bytes| {
        bytes.set(bytes.get() - freed.cast_signed() + taken.cast_signed());
        _ = MOST_BYTES.try_with(|most| most.set(most.get().max(bytes.get())));
    });
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator's interface is unsafe; every call is passed on")]
// SAFETY: each method passes its arguments to the system's allocator unchanged and gives back what
// that gave, so its guarantees hold for this one; the counter touches no memory that is handed out.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller's obligations are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: the pointer came from the system's allocator, through this one.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
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
    assert_eq!(few * 10, many, "{lines}");
    // One buffer is for the page's last bytes, which are not always looked at in the same way.
    assert!(again.abs_diff(allocations) <= 1, "{allocations}, {again} for {lines}");
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

/// A source that gives a text so many times.
struct Repeated {
    text: &'static [u8],
    at: usize,
    times: usize,
}

impl Read for Repeated {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = if self.times == 0 { &[] } else { &self.text[self.at..] };
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        if self.at == self.text.len() {
            (self.at, self.times) = (0, self.times - 1);
        }
        Ok(len)
    }
}

/// Reads a page in pieces; gives the number of samples and how many bytes were allocated at most.
fn read_pieces(format: PageFormat, lines: &'static [u8], times: usize) -> (usize, isize) {
    let before = BYTES.get();
    MOST_BYTES.set(before);
    let mut samples = 0;
    let source = Repeated { text: lines, at: 0, times };
    let end = PageReader::new(format, source, ParserOptions::default()).for_each(|entry| {
        samples += usize::from(matches!(entry, Entry::Series(_)));
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(end.expect("the page is right"), ControlFlow::Continue(()));
    (samples, MOST_BYTES.get() - before)
}

#[test]
fn a_page_of_any_size_is_read_in_little_memory() {
    let text: &[u8] = b"# HELP a b\n# TYPE a counter\na 1\na{b=\"c\",d=\"e\"} 2.5 1000\n";
    let mut pages = vec![(PageFormat::Text(TextFormat::Prometheus), text, 2)];
    if cfg!(feature = "protobuf") {
        let family = b"\x12\x0a\x01a\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\x08\x40";
        pages.push((PageFormat::Protobuf, family, 1));
    }
    for (format, lines, samples) in pages {
        for times in [1_000, 100_000] {
            let (seen, most) = read_pieces(format, lines, times);
            assert_eq!(seen, samples * times);
            assert!(most < 1 << 20, "{most} bytes for {times} times {format:?}");
        }
    }
}
