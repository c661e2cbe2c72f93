//! Replays the fuzz targets' seeds and regressions, as a plain test.
//!
//! It stands here because this package sees every crate and is not published, so that the crates'
//! own tests need no files from outside of them.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/properties/chunk_archive.rs"]
mod chunk_archive;
#[path = "../../fuzz/properties/chunk_codec.rs"]
mod chunk_codec;
#[path = "../../fuzz/properties/chunk_decode.rs"]
mod chunk_decode;
#[path = "../../fuzz/properties/chunk_histogram.rs"]
mod chunk_histogram;
#[path = "../../fuzz/properties/chunk_samples.rs"]
mod chunk_samples;
#[path = "../../fuzz/properties/chunk_xor2.rs"]
mod chunk_xor2;
#[path = "../../fuzz/properties/exposition_protobuf.rs"]
mod exposition_protobuf;
#[path = "../../fuzz/properties/exposition_text.rs"]
mod exposition_text;
#[path = "../../fuzz/properties/index_file.rs"]
mod index_file;
#[path = "../../fuzz/properties/index_select.rs"]
mod index_select;
#[path = "../../fuzz/properties/owned_labels.rs"]
mod owned_labels;
#[path = "../../fuzz/properties/promql_build.rs"]
mod promql_build;
#[path = "../../fuzz/properties/promql_edit.rs"]
mod promql_edit;
#[path = "../../fuzz/properties/promql_engine.rs"]
mod promql_engine;
#[path = "../../fuzz/properties/promql_parse.rs"]
mod promql_parse;
#[path = "../../fuzz/properties/promql_series.rs"]
mod promql_series;
#[path = "../../fuzz/properties/regex_parse.rs"]
mod regex_parse;
#[path = "../../fuzz/properties/template_html.rs"]
mod template_html;
#[path = "../../fuzz/properties/template_parse.rs"]
mod template_parse;

/// Hands a target's files to its property; there must be some.
#[track_caller]
fn replay(target: &str, holds: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut seen = 0;
    for kind in ["seeds", "regressions"] {
        let Ok(files) = fs::read_dir(fuzz.join(kind).join(target)) else { continue };
        for file in files {
            let path = file.expect("the folder can be listed").path();
            println!("{}", path.display());
            holds(&fs::read(&path).expect("the file can be read"));
            seen += 1;
        }
    }
    assert!(0 < seen, "no seeds for {target}");
}

#[test]
fn exposition_protobuf_holds() {
    replay("exposition_protobuf", exposition_protobuf::holds);
}

#[test]
fn exposition_text_holds() {
    replay("exposition_text", exposition_text::holds);
}

#[test]
fn index_file_holds() {
    replay("index_file", index_file::holds);
}

#[test]
fn promql_parse_holds() {
    replay("promql_parse", promql_parse::holds);
}

#[test]
fn promql_edit_holds() {
    replay("promql_edit", promql_edit::holds);
}

#[test]
fn promql_series_holds() {
    replay("promql_series", promql_series::holds);
}

#[test]
fn promql_engine_holds() {
    replay("promql_engine", promql_engine::holds);
}

#[test]
fn promql_build_holds() {
    replay("promql_build", promql_build::holds);
}

#[test]
fn regex_parse_holds() {
    replay("regex_parse", regex_parse::holds);
}

#[test]
fn chunk_codec_holds() {
    replay("chunk_codec", chunk_codec::holds);
}

#[test]
fn chunk_samples_holds() {
    replay("chunk_samples", chunk_samples::holds);
}

#[test]
fn chunk_archive_holds() {
    replay("chunk_archive", chunk_archive::holds);
}

#[test]
fn chunk_decode_holds() {
    replay("chunk_decode", chunk_decode::holds);
}

#[test]
fn chunk_histogram_holds() {
    replay("chunk_histogram", chunk_histogram::holds);
}

#[test]
fn chunk_xor2_holds() {
    replay("chunk_xor2", chunk_xor2::holds);
}

#[test]
fn template_html_holds() {
    replay("template_html", template_html::holds);
}

#[test]
fn template_parse_holds() {
    replay("template_parse", template_parse::holds);
}

#[test]
fn index_select_holds() {
    replay("index_select", index_select::holds);
}
