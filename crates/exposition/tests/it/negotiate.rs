//! Accept headers on both sides, by table.

use skopos_exposition::{
    EscapingScheme, OutputFormat, PageOutput, ScrapeProtocol, TextFormat, accept_header,
    choose_output, choose_page_output,
};

#[track_caller]
fn check_output(accept: &str, content_type: &str) {
    assert_eq!(choose_output(accept).content_type(), content_type, "{accept}");
}

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

#[test]
fn a_target_writes_what_is_wanted_most() {
    check_output("", TEXT);
    check_output("*/*", TEXT);
    check_output("text/html", TEXT);
    check_output("text/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
    check_output("text/plain;version=1.0.0, application/json", &TEXT.replace("0.0.4", "1.0.0"));
    check_output(
        "application/openmetrics-text",
        "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores",
    );
    check_output(
        "text/plain;q=0.5, application/openmetrics-text;version=1.0.0;escaping=dots",
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=dots",
    );
    check_output("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.9", TEXT);
    check_output(
        "application/openmetrics-text;version=2.0.0;escaping=values,*/*;q=0.1",
        &TEXT.replace("underscores", "values"),
    );
    check_output("text/plain;escaping=unknown", TEXT);
    check_output(";;;,,q=1,\"", TEXT);
}

#[test]
fn what_a_scraper_asks_for_is_what_a_target_gives() {
    let header = accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8);
    let expected = OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::AllowUtf8);
    assert_eq!(choose_output(&header), expected);
    let header = accept_header(&[ScrapeProtocol::PrometheusText004], EscapingScheme::Dots);
    assert_eq!(header, "text/plain;version=0.0.4;q=0.6,*/*;q=0.5");
    assert_eq!(choose_output(&header).format, TextFormat::Prometheus);
}

#[test]
fn protobuf_is_asked_for_as_prometheus_does() {
    let mut protocols = vec![ScrapeProtocol::PrometheusProto];
    protocols.extend(ScrapeProtocol::DEFAULT);
    let header = accept_header(&protocols, EscapingScheme::AllowUtf8);
    assert_eq!(
        header,
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
         encoding=delimited;q=0.6,\
         application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
         application/openmetrics-text;version=0.0.1;q=0.4,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
         text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    );
    // A target without protobuf gives the next best.
    assert_eq!(choose_output(&header).format, TextFormat::OpenMetrics);
}

#[track_caller]
fn check_page_output(accept: &str, start: &str) {
    let content_type = choose_page_output(accept).content_type();
    assert!(content_type.starts_with(start), "{accept}: {content_type}");
}

#[test]
fn a_target_writes_protobuf_where_all_of_it_is_asked_for() {
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily";
    check_page_output(&format!("{protobuf};encoding=delimited"), "application/vnd.google.protobuf");
    check_page_output(&format!("{protobuf};encoding=text"), "text/plain");
    check_page_output(&format!("{protobuf};encoding=delimited;q=0.1,text/plain"), "text/plain");
    check_page_output("application/vnd.google.protobuf", "text/plain");
    check_page_output("*/*", "text/plain; version=0.0.4");
    let escaped = choose_page_output(&format!("{protobuf};encoding=delimited;escaping=dots"));
    assert_eq!(escaped, PageOutput::Protobuf(EscapingScheme::Dots));
}

#[test]
fn protocols_have_their_names() {
    for protocol in ScrapeProtocol::ALL {
        assert_eq!(protocol.as_str().parse(), Ok(protocol));
    }
    let error = "PrometheusText".parse::<ScrapeProtocol>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown scrape protocol PrometheusText, supported: [OpenMetricsText0.0.1 \
         OpenMetricsText1.0.0 PrometheusProto PrometheusText0.0.4 PrometheusText1.0.0]",
    );
}
