//! Answers in the form of Prometheus' HTTP API, read and written.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value as Json, json};
use skopos_core::{Labels, Timestamp};

use super::answer::{Answer, Bucket, Cell, Histogram, Point, Series, Value, number};

/// The answer as the API gives it, with a newline at the end.
pub(super) fn write(answer: &Answer) -> String {
    let (kind, result) = match &answer.value {
        Value::Matrix(series) => ("matrix", series.iter().map(write_range).collect()),
        Value::Scalar(point) => ("scalar", json!([seconds(point.t), point.value.text()])),
        Value::Text(t, text) => ("string", json!([seconds(*t), text])),
        Value::Vector(series) => ("vector", series.iter().map(write_instant).collect()),
    };
    let mut envelope = Map::new();
    envelope.insert("status".into(), "success".into());
    envelope.insert("data".into(), json!({"resultType": kind, "result": result}));
    for (name, notes) in [("warnings", &answer.warnings), ("infos", &answer.infos)] {
        if !notes.is_empty() {
            envelope.insert(name.into(), json!(notes));
        }
    }
    Json::Object(envelope).to_string() + "\n"
}

fn write_instant(series: &Series) -> Json {
    let mut object = metric(series);
    if let Some(point) = series.points.first() {
        match &point.value {
            Cell::Float(_) => object.insert("value".into(), write_point(point)),
            Cell::Histogram(_) => object.insert("histogram".into(), write_point(point)),
        };
    }
    Json::Object(object)
}

fn write_range(series: &Series) -> Json {
    let mut object = metric(series);
    let (floats, histograms): (Vec<_>, Vec<_>) =
        series.points.iter().partition(|point| matches!(point.value, Cell::Float(_)));
    for (name, points) in [("values", floats), ("histograms", histograms)] {
        if !points.is_empty() {
            object.insert(name.into(), points.into_iter().map(write_point).collect());
        }
    }
    Json::Object(object)
}

fn metric(series: &Series) -> Map<String, Json> {
    let labels: Map<String, Json> =
        series.labels.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Map::from_iter([("metric".into(), Json::Object(labels))])
}

fn write_point(point: &Point) -> Json {
    match &point.value {
        Cell::Float(v) => json!([seconds(point.t), number(*v)]),
        Cell::Histogram(histogram) => json!([seconds(point.t), write_histogram(histogram)]),
    }
}

fn write_histogram(histogram: &Histogram) -> Json {
    let mut object = Map::new();
    object.insert("count".into(), histogram.count.as_str().into());
    object.insert("sum".into(), histogram.sum.as_str().into());
    if !histogram.buckets.is_empty() {
        let bucket = |b: &Bucket| json!([b.boundaries, b.lower, b.upper, b.count]);
        object.insert("buckets".into(), histogram.buckets.iter().map(bucket).collect());
    }
    Json::Object(object)
}

/// Seconds, without a point where they are whole.
fn seconds(t: Timestamp) -> Json {
    let millis = t.as_millis();
    if millis % 1000 == 0 { json!(millis / 1000) } else { json!(t.as_seconds()) }
}

/// Reads what the API answered.
pub(super) fn read(body: &Json) -> anyhow::Result<Answer> {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    if body["status"] != "success" {
        bail!("{}: {}", text("errorType"), text("error"));
    }
    let result = &body["data"]["result"];
    let value = match body["data"]["resultType"].as_str() {
        Some("matrix") => Value::Matrix(read_series(result)?),
        Some("scalar") => Value::Scalar(read_point(result)?),
        Some("string") => Value::Text(
            read_time(&result[0])?,
            result[1].as_str().context("the answer's text is none")?.into(),
        ),
        Some("vector") => Value::Vector(read_series(result)?),
        other => bail!("the answer is of the unknown type {other:?}"),
    };
    let notes = |name: &str| {
        let notes = body[name].as_array().into_iter().flatten();
        notes.filter_map(Json::as_str).map(String::from).collect()
    };
    Ok(Answer { value, warnings: notes("warnings"), infos: notes("infos") })
}

fn read_series(result: &Json) -> anyhow::Result<Vec<Series>> {
    let series = result.as_array().context("the answer has no list of series")?;
    series.iter().map(read_one).collect()
}

fn read_one(series: &Json) -> anyhow::Result<Series> {
    let labels = series["metric"].as_object().context("a series of the answer has no labels")?;
    let labels: Labels = labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
        .collect();
    let mut points = Vec::new();
    for name in ["value", "histogram"] {
        if let Some(point) = series.get(name) {
            points.push(read_point(point)?);
        }
    }
    for name in ["values", "histograms"] {
        for point in series[name].as_array().into_iter().flatten() {
            points.push(read_point(point)?);
        }
    }
    points.sort_by_key(|point| point.t);
    Ok(Series { labels, points })
}

fn read_point(point: &Json) -> anyhow::Result<Point> {
    let t = read_time(&point[0])?;
    let value = match &point[1] {
        Json::String(text) => Cell::Float(read_number(text)?),
        histogram => Cell::Histogram(read_histogram(histogram)?),
    };
    Ok(Point { t, value })
}

fn read_time(time: &Json) -> anyhow::Result<Timestamp> {
    time.as_f64().map(Timestamp::from_seconds).context("a sample of the answer has no time")
}

fn read_number(text: &str) -> anyhow::Result<f64> {
    // Rust reads all spellings that the API has: `NaN`, `+Inf`, `-Inf` and decimal numbers.
    text.parse().with_context(|| format!("{text:?} in the answer is no number"))
}

fn read_histogram(histogram: &Json) -> anyhow::Result<Histogram> {
    let text = |value: &Json| {
        value.as_str().map(String::from).context("a histogram of the answer lacks a number")
    };
    let bucket = |bucket: &Json| {
        let boundaries = bucket[0].as_u64().and_then(|b| u8::try_from(b).ok());
        Ok(Bucket {
            boundaries: boundaries.context("a bucket of the answer lacks its kind of bounds")?,
            lower: text(&bucket[1])?,
            upper: text(&bucket[2])?,
            count: text(&bucket[3])?,
        })
    };
    let buckets = histogram["buckets"].as_array().into_iter().flatten();
    Ok(Histogram {
        count: text(&histogram["count"])?,
        sum: text(&histogram["sum"])?,
        buckets: buckets.map(bucket).collect::<anyhow::Result<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round_trip(text: &str) {
        let body: Json = serde_json::from_str(text).expect("JSON");
        let answer = read(&body).expect("an answer");
        let written: Json = serde_json::from_str(&write(&answer)).expect("JSON");
        assert_eq!(written, body);
    }

    #[test]
    fn what_the_api_answers_is_read_and_written_alike() {
        check_round_trip(
            r#"{"status":"success","data":{"resultType":"vector","result":[
                {"metric":{"__name__":"up","a":"b"},"value":[1.5,"+Inf"]},
                {"metric":{},"histogram":[2,{"count":"3","sum":"4.5","buckets":[[0,"0.5","1","3"]]}]}
            ]},"warnings":["w"],"infos":["i"]}"#,
        );
        check_round_trip(
            r#"{"status":"success","data":{"resultType":"matrix","result":[
                {"metric":{"a":"b"},"values":[[1,"1"],[2,"NaN"]]}]}}"#,
        );
        check_round_trip(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#);
        check_round_trip(r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#);
    }

    #[test]
    fn errors_and_nonsense_are_told() {
        let error = |text: &str| {
            let body: Json = serde_json::from_str(text).expect("JSON");
            read(&body).expect_err("no answer").to_string()
        };
        let refused = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter"}"#;
        assert_eq!(error(refused), "bad_data: invalid parameter");
        let odd = r#"{"status":"success","data":{"resultType":"x"}}"#;
        assert_eq!(error(odd), r#"the answer is of the unknown type Some("x")"#);
    }
}
