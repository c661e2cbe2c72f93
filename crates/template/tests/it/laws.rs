//! The laws of the traits that the crate implements.

use skopos_template::AlertExpander;
use skopos_testkit::conformance;

#[test]
fn the_alert_expander_keeps_the_laws_of_expanders() {
    let expander = AlertExpander::new();
    conformance::expander(&expander, "{{ $value | humanize }} of {{ $labels.job }}", "{{ if }}");
    conformance::expander(
        &expander,
        "{{ range $i, $v := $labels }}{{ $v }}{{ end }}",
        "{{ nosuch }}",
    );
}
