//! Alerts on their way to the real Alertmanager: the real Prometheus beside ours with the same rules and
//! the same page, each with an Alertmanager of its own and with one that keeps what it is sent.
//!
//! The alerts fire and resolve at fixed times, and both programs evaluate at the same slots, so that
//! what they send must be the same to the byte: labels, annotations, times, links, how often.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::http::{self, Recorder, Server as Page};
use crate::process::{Server, eventually, free_address, peer};

/// What both programs are told at the start.
const ARGUMENTS: &[&str] =
    &["--web.external-url=http://watch.example:9090", "--rules.alert.resend-delay=2s"];

/// Seconds that the condition holds.
const DURATION: i64 = 9;

const PAGE: &str = "\
machine_broken{disk=\"a\"} 1.5
machine_broken{disk=\"b<c>\", cluster=\"own\"} 2000
machine_broken{disk=\"c\"} 0
";

/// Two alerts that fire for a while, and one that relabeling drops.
fn rules(from: i64) -> String {
    let until = from + DURATION;
    let during = format!("and on () (vector(time()) >= {from} < {until})");
    format!(
        r#"
groups:
- name: disks
  interval: 1s
  rules:
  - alert: Broken
    expr: machine_broken > 0 {during}
    for: 2s
    labels: {{severity: page, secret: x, team: "{{{{ $labels.disk }}}}"}}
    annotations:
      summary: 'disk <{{{{ $labels.disk }}}}> & "{{{{ $value | humanize }}}}" of {{{{ $externalLabels.cluster }}}}'
      runbook: '{{{{ $externalURL }}}}/{{{{ $labels.nothing }}}}'
      empty: ''
  - alert: Silent
    expr: vector(1) {during}
"#
    )
}

/// A configuration that sends to an Alertmanager and to a recorder. Both are sent the same, since Prometheus
/// up to 3.5 sends now and then to one what was relabeled for the other.
fn config(page: &Page, rules: &Path, alertmanager: &Alertmanager, recorder: &Recorder) -> String {
    format!(
        r#"
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
  external_labels: {{cluster: eu-1, team: outside}}
rule_files: ['{rules}']
alerting:
  alert_relabel_configs:
  - {{source_labels: [alertname], regex: Silent, action: drop}}
  - {{regex: secret, action: labeldrop}}
  - {{source_labels: [severity], regex: 'p(.*)', target_label: pager, replacement: '$1'}}
  alertmanagers:
  - static_configs: [{{targets: ['{alertmanager}']}}]
    alert_relabel_configs: [{{target_label: via, replacement: both}}]
  - path_prefix: /copy/
    static_configs: [{{targets: ['{recorder}']}}]
    alert_relabel_configs: [{{target_label: via, replacement: both}}]
scrape_configs:
- job_name: disks
  static_configs: [{{targets: ['{page}']}}]
"#,
        rules = rules.display(),
        alertmanager = alertmanager.address,
        recorder = recorder.address,
        page = page.address,
    )
}

/// The real Alertmanager, which tells a recorder what it would tell people; it ends with the value.
struct Alertmanager {
    child: Child,
    address: std::net::SocketAddr,
}

impl Alertmanager {
    /// Starts one; nothing where it finds no templates.
    #[track_caller]
    fn start(program: &Path, folder: &Path, hook: &Recorder) -> Option<Self> {
        let address = free_address();
        let config = format!(
            "route: {{receiver: hook, group_by: ['...'], group_wait: 0s, group_interval: 1s}}\n\
             receivers: [{{name: hook, webhook_configs: [{{url: 'http://{}/hook'}}]}}]\n",
            hook.address
        );
        let file = folder.join("alertmanager.yml");
        fs::write(&file, config).expect("the folder is writable");
        let log = folder.join("alertmanager.log");
        let child = command(program)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.join("alertmanager").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a file"))
            .spawn()
            .expect("the program starts");
        let mut alertmanager = Self { child, address };
        let is_ready = eventually("the Alertmanager to be ready", || {
            if let Ok(Some(_)) = alertmanager.child.try_wait() {
                return Some(false);
            }
            let answer = http::request(address, "GET", "/-/ready").ok();
            answer.filter(|answer| answer.status == 200).map(|_| true)
        });
        if is_ready {
            return Some(alertmanager);
        }
        let log = fs::read_to_string(&log).expect("a log");
        let reasons = ["default.tmpl", "unshare: ", "mount: "];
        assert!(reasons.iter().any(|reason| log.contains(reason)), "{log}");
        eprintln!("skipped: the Alertmanager cannot have its templates here: {log}");
        None
    }

    /// The alerts that fire, in the order of their fingerprints, which are those of their labels.
    #[track_caller]
    fn alerts(&self) -> Vec<Value> {
        let response = http::request(self.address, "GET", "/api/v2/alerts").expect("an answer");
        let mut alerts = response.json().as_array().expect("a list").clone();
        alerts.sort_by_key(|alert| alert["fingerprint"].to_string());
        alerts
    }
}

/// How to start the Alertmanager.
///
/// Debian's one reads its templates from a fixed place. Where the package is unpacked and not
/// installed, it is shown its own files there, in a view of the file system that no other process has.
fn command(program: &Path) -> Command {
    let share = program.parent().and_then(Path::parent).map(|usr| usr.join("share"));
    let templates = "prometheus/alertmanager";
    match share.filter(|share| share.join(templates).is_dir()) {
        Some(share) if !Path::new("/usr/share").join(templates).exists() => {
            let mount = "mount -t overlay overlay -o lowerdir=\"$0\":/usr/share /usr/share";
            let mut command = Command::new("unshare");
            command.args(["--mount", "--map-root-user", "sh", "-c"]);
            command.arg(format!("{mount} && exec \"$@\"")).arg(share).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program with those whom it tells of alerts.
struct Side {
    server: Server,
    alertmanager: Alertmanager,
    /// What the program sends.
    sent: Recorder,
    /// What the Alertmanager passes on.
    passed_on: Recorder,
}

impl Side {
    /// Starts the program with a configuration that is made for its receivers.
    #[track_caller]
    fn start(
        folder: &Path,
        alertmanager: &Path,
        config: &dyn Fn(&Alertmanager, &Recorder) -> String,
        program: &dyn Fn(&Path, &str) -> Server,
    ) -> Option<Self> {
        fs::create_dir(folder).expect("a folder");
        let (sent, passed_on) = (Recorder::start(), Recorder::start());
        let alertmanager = Alertmanager::start(alertmanager, folder, &passed_on)?;
        let server = program(folder, &config(&alertmanager, &sent));
        Some(Self { server, alertmanager, sent, passed_on })
    }

    /// A sample of the program's own page, 0 where there is none.
    #[track_caller]
    fn metric(&self, name: &str) -> f64 {
        let page = self.server.get("/metrics").body;
        let line = page.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
    }

    /// What was sent, alert by alert as it was written, by its labels.
    fn sent(&self) -> BTreeMap<String, Vec<String>> {
        let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for body in self.sent.bodies("/copy/api/v2/alerts") {
            let list = body.strip_prefix("[{").and_then(|body| body.strip_suffix("}]"));
            for alert in list.expect("a list of alerts").split("},{\"annotations\"") {
                let alert = alert.trim_start_matches("\"annotations\"").to_owned();
                let (_, labels) = alert.split_once(",\"labels\":").expect("labels at the end");
                sent.entry(labels.to_owned()).or_default().push(alert);
            }
        }
        sent
    }
}

/// When an alert ends, as it was sent, in seconds.
#[track_caller]
fn ends_at(alert: &str) -> f64 {
    let (_, rest) = alert.split_once("\"endsAt\":\"").expect("an end");
    let end: jiff::Timestamp = rest.split('"').next().and_then(|t| t.parse().ok()).expect("a time");
    end.as_millisecond() as f64 / 1000.0
}

#[test]
fn alerts_arrive_as_prometheus_would_send_them() {
    let (Some(prometheus), Some(alertmanager)) =
        (peer("prometheus"), peer("prometheus-alertmanager"))
    else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("rules.yml");
    fs::write(&file, "groups: []\n").expect("a file");
    let page = Page::start(|| ("text/plain; version=0.0.4", PAGE.to_owned()));
    let config = |am: &Alertmanager, recorder: &Recorder| config(&page, &file, am, recorder);
    let start = |name: &str, program: &dyn Fn(&Path, &str) -> Server| {
        Side::start(&folder.path().join(name), &alertmanager, &config, program)
    };
    let ours = start("ours", &|folder, config| Server::skopos_with(folder, config, ARGUMENTS));
    let theirs = start("theirs", &|folder, config| {
        Server::prometheus_with(&prometheus, folder, config, ARGUMENTS)
    });
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return };
    for side in [&ours, &theirs] {
        eventually("the page and both receivers", || {
            let discovered = side.metric("prometheus_notifications_alertmanagers_discovered ");
            let samples = side.server.query("machine_broken", None);
            (discovered == 2.0 && samples.as_array()?.len() == 3).then_some(())
        });
    }
    // A machine that is busy may pass over a slot; then the two cannot be compared.
    for _ in 0..4 {
        if play(&ours, &theirs, &file) {
            metrics_have_the_same_names(&ours, &theirs);
            return;
        }
        eprintln!("a slot was missed; once more");
    }
    panic!("slots were missed each time");
}

/// Lets the alerts fire and resolve and compares what both programs sent; `false` if one of them was late.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the rules depend on the time")]
fn play(ours: &Side, theirs: &Side, file: &Path) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let from = i64::try_from(now).expect("a time") + 3;
    let until = (from + DURATION) as f64;
    let missed = || {
        let name = "prometheus_rule_group_iterations_missed_total{";
        [ours, theirs].map(|side| side.metric(name))
    };
    let missed_before = missed();
    fs::write(file, rules(from)).expect("a file");
    for side in [ours, theirs] {
        assert_eq!(side.server.request("POST", "/-/reload").status, 200);
    }
    the_alertmanagers_agree(ours, theirs);
    let [ours_sent, theirs_sent] = [ours, theirs].map(|side| {
        eventually("the alerts to resolve", || {
            let mut sent = side.sent();
            for alerts in sent.values_mut() {
                // What resolved before is sent again too.
                alerts.retain(|alert| from as f64 <= ends_at(alert));
                // The end moves on until it is known; from then on the resolution is sent again.
                let ends: Vec<f64> = alerts.iter().map(|alert| ends_at(alert)).collect();
                let last = ends.windows(2).position(|pair| pair[1] < pair[0])?;
                alerts.truncate(last + 2);
            }
            (sent.len() == 2).then_some(sent)
        })
    });
    if missed() != missed_before {
        return false;
    }
    assert_eq!(ours_sent, theirs_sent);
    for alerts in ours_sent.values() {
        // Fired, sent again after more than two seconds twice, resolved.
        assert_eq!(alerts.len(), 4, "{alerts:#?}");
        let ends: Vec<f64> = alerts.iter().map(|alert| ends_at(alert)).collect();
        let again: Vec<f64> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(&again[..2], [3.0, 3.0], "{alerts:#?}");
    }
    resolutions_are_passed_on(ours, theirs, until);
    for side in [ours, theirs] {
        assert_eq!(side.metric("prometheus_notifications_errors_total{"), 0.0);
        assert_eq!(side.metric("prometheus_notifications_dropped_total{"), 0.0);
    }
    true
}

/// Both programs tell the same of rules, templates and notifications, but for quantiles.
#[track_caller]
fn metrics_have_the_same_names(ours: &Side, theirs: &Side) {
    let names = |side: &Side| -> BTreeSet<String> {
        let page = side.server.get("/metrics").body;
        let prefixes = ["prometheus_rule_", "prometheus_template_", "prometheus_notifications_"];
        let lines = page.lines().filter(|line| prefixes.iter().any(|p| line.starts_with(p)));
        let lines = lines.filter(|line| !line.contains("quantile="));
        lines.filter_map(|line| Some(line.split(['{', ' ']).next()?.to_owned())).collect()
    };
    assert_eq!(names(ours), names(theirs));
    // Three annotations and three labels of each of two alerts, at each evaluation; none failed.
    assert_eq!(ours.metric("prometheus_template_text_expansion_failures_total"), 0.0);
    assert!(6.0 < ours.metric("prometheus_template_text_expansions_total"));
}

/// Both Alertmanagers know the same alerts while they fire, and that these are the ones that are meant.
#[track_caller]
fn the_alertmanagers_agree(ours: &Side, theirs: &Side) {
    let fire = |side: &Side| {
        eventually("the alerts to fire", || {
            let mut alerts = side.alertmanager.alerts();
            for alert in &mut alerts {
                // When it was told, and until when it holds without hearing more.
                let alert = alert.as_object_mut().expect("an object");
                alert.retain(|key, _| key != "updatedAt" && key != "endsAt");
            }
            (alerts.len() == 2).then_some(alerts)
        })
    };
    let (ours, theirs) = (fire(ours), fire(theirs));
    assert_eq!(ours, theirs);
    let a = ours.iter().find(|alert| alert["labels"]["disk"] == "a").expect("an alert");
    let labels = json!({
        "alertname": "Broken", "cluster": "eu-1", "disk": "a", "job": "disks", "pager": "age",
        "instance": a["labels"]["instance"], "severity": "page", "team": "a",
        "via": "both",
    });
    assert_eq!(a["labels"], labels);
    let annotations = json!({
        "empty": "", "runbook": "http://watch.example:9090/",
        "summary": "disk <a> & \"1.5\" of eu-1",
    });
    assert_eq!(a["annotations"], annotations);
    let link = a["generatorURL"].as_str().expect("a link");
    let start = "http://watch.example:9090/graph?g0.expr=machine_broken+%3E+0+and+on+%28%29+";
    assert!(link.starts_with(start) && link.ends_with("&g0.tab=1"), "{link}");
    let own = ours.iter().find(|alert| alert["labels"]["cluster"] == "own");
    assert_eq!(own.expect("an alert with a cluster of its own")["labels"]["disk"], "b<c>");
}

/// The Alertmanagers forget the alerts and tell that they resolved, and when.
#[track_caller]
fn resolutions_are_passed_on(ours: &Side, theirs: &Side, until: f64) {
    let told = |side: &Side| {
        eventually("the resolutions to be passed on", || {
            let mut told = BTreeMap::new();
            for body in side.passed_on.bodies("/hook") {
                let body: Value = serde_json::from_str(&body).expect("JSON");
                for alert in body["alerts"].as_array().expect("a list") {
                    let end = format!("\"endsAt\":{}", alert["endsAt"]);
                    if alert["status"] == "resolved" && until <= ends_at(&end) {
                        let times = [alert["startsAt"].clone(), alert["endsAt"].clone()];
                        told.insert(alert["fingerprint"].to_string(), times);
                    }
                }
            }
            (told.len() == 2 && side.alertmanager.alerts().is_empty()).then_some(told)
        })
    };
    assert_eq!(told(ours), told(theirs));
}
