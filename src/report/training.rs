//! The report of a training run.

use super::chart::{Chart, Line, SERIES, thinned};
use super::page::{count, escape, number, page, percent, section, table};
use crate::artifact::Container;
use crate::artifact::summary::{Observed, Value};
use crate::error::Result;
use crate::metrics::{self, Metrics};
use crate::schema::FieldKind;
use crate::train::{Evaluation, Trained};

/// Levels, features and notes beyond these are counted, not listed.
const MOST_LEVELS: usize = 8;
const MOST_FEATURES: usize = 25;

/// The report as one HTML file. `file`: the artifact's bytes ([`Trained::file`]), for its id and size.
pub fn training(trained: &Trained, file: &[u8]) -> Result<String> {
    let id = Container::open(file)?.id();
    let a = &trained.artifact;
    let mut body = head(trained);
    if !trained.notes.is_empty() {
        let items: String = trained.notes.iter().map(|n| format!("<li>{}</li>\n", escape(&sentence(n)))).collect();
        body += &section("Worth knowing", &format!("<ul class=\"notes\">\n{items}</ul>\n"));
    }
    body += &section("How good it is", &metrics_table(trained));
    body += &section("Beyond single numbers", &charts(trained));
    body += &section("Which classes are mistaken for which", &confusion(trained));
    body += &section("What it looks at", &importances(trained));
    body += &section("The data", &data(trained));
    body += &section("How it was made", &facts(trained, &id, file.len()));
    body += "<footer>This file holds everything it shows: it loads nothing and sends nothing.</footer>\n";
    Ok(page(&format!("{} {}: training report", a.name, a.version), &body))
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// What a model's family is called.
fn family(trained: &Trained) -> String {
    trained.artifact.model.family().replace('_', " ")
}

fn head(trained: &Trained) -> String {
    let a = &trained.artifact;
    let m = &trained.validation.metrics;
    let tile = |name: &str, value: String| format!("<div><dt>{name}</dt><dd>{value}</dd></div>");
    let rows: u64 = trained.class_counts.iter().sum();
    let auc = m.roc_auc.map(|v| tile("ROC AUC, held out", format!("{v:.4}"))).unwrap_or_default();
    format!(
        "<header><p>Training report · {}</p>\n<h1>{} <small>{}</small></h1></header>\n<dl class=\"tiles\">{auc}{}{}{}</dl>\n",
        family(trained),
        escape(&a.name),
        escape(&a.version),
        tile("Accuracy, held out", percent(m.accuracy)),
        tile("Log loss, held out", format!("{:.4}", m.log_loss)),
        tile("Rows", count(rows)),
    )
}

fn metrics_table(trained: &Trained) -> String {
    let evaluations: Vec<&Evaluation> = std::iter::once(&trained.validation).chain(&trained.test).collect();
    let binary = trained.artifact.classes.len() == 2;
    let positive = trained.artifact.classes.last().map(|c| escape(c)).unwrap_or_default();
    let of = if binary { format!(" of <code>{positive}</code>") } else { ", mean over classes".to_owned() };
    // A metric that has no meaning for any of the evaluations has no row.
    type Row = (String, fn(&Metrics) -> Option<f64>);
    let rows: [Row; 10] = [
        ("ROC AUC".into(), |m| m.roc_auc),
        ("Average precision".into(), |m| m.average_precision),
        ("Log loss (nats)".into(), |m| Some(m.log_loss)),
        ("Brier score".into(), |m| Some(m.brier)),
        ("Accuracy".into(), |m| Some(m.accuracy)),
        ("Balanced accuracy".into(), |m| Some(m.balanced_accuracy)),
        (format!("Precision{of}"), |m| Some(m.precision)),
        (format!("Recall{of}"), |m| Some(m.recall)),
        (format!("F1{of}"), |m| Some(m.f1)),
        ("Matthews correlation".into(), |m| Some(m.mcc)),
    ];
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, value)| (name, evaluations.iter().map(|e| value(&e.metrics)).collect::<Vec<_>>()))
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .map(|(name, values)| {
            let shown = values.into_iter().map(|v| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.4}")));
            std::iter::once(name).chain(shown).collect()
        })
        .collect();
    let head = |name: &str, e: &Evaluation| format!("{name}, {} rows", count(e.metrics.rows as u64));
    let heads =
        [head("Held out", &trained.validation), trained.test.as_ref().map(|t| head("Test", t)).unwrap_or_default()];
    let heads: Vec<&str> =
        std::iter::once("").chain(heads.iter().map(String::as_str)).take(evaluations.len() + 1).collect();
    let refit = trained.header.training.get("config").and_then(|c| c["training"]["refit"].as_bool()).unwrap_or(false);
    let mut text = "Held-out rows were answered by a model that was not fitted on them".to_owned();
    if refit {
        text += ", before it was fitted once more on all training rows";
    }
    if trained.test.is_some() {
        text += "; test rows by the model in the file";
    }
    let refused = trained.test.as_ref().map_or(0, |t| t.rejected.len());
    let refused = if refused > 0 {
        format!(" The schema refused {} test rows, which are not counted.", count(refused as u64))
    } else {
        String::new()
    };
    format!("<p>{text}.{refused}</p>\n{}", table(&heads, &cells, true))
}

fn charts(trained: &Trained) -> String {
    let e = &trained.validation;
    let classes = &trained.artifact.classes;
    // Two classes: class 1 alone. More: each against the rest.
    let shown: Vec<usize> = if classes.len() == 2 { vec![1] } else { (0..classes.len().min(SERIES)).collect() };
    let is = |c: usize| -> Vec<bool> { e.y.iter().map(|&y| y == c).collect() };
    let score = |c: usize| e.probability.column(c).to_vec();
    let lines = |points: &dyn Fn(usize) -> Option<Vec<(f64, f64)>>, dots: bool| -> Vec<Line<'_>> {
        let line = |&c: &usize| points(c).map(|points| Line { name: &classes[c], points, dots });
        shown.iter().filter_map(line).collect()
    };
    let unit = ((0.0, 1.0), (0.0, 1.0));
    let diagonal = Some([(0.0, 0.0), (1.0, 1.0)]);
    let chart = |title, x_label, y_label, lines, guide| {
        Chart { title, x_label, y_label, x: unit.0, y: unit.1, lines, guide, mark: None }.figure()
    };
    let roc = lines(&|c| metrics::roc_curve(&is(c), &score(c), None).map(|p| thinned(&p, 0.003)), false);
    let pr = lines(&|c| metrics::precision_recall_curve(&is(c), &score(c), None).map(|p| thinned(&p, 0.003)), false);
    let reliability = lines(
        &|c| {
            Some(
                metrics::reliability(&is(c), &score(c), None, 10).into_iter().map(|(p, share, _)| (p, share)).collect(),
            )
        },
        true,
    );
    let mut out = String::from("<div class=\"charts\">\n");
    out += &chart("ROC curve", "false positive rate", "true positive rate", roc, diagonal);
    out += &chart("Precision and recall", "recall", "precision", pr, None);
    out += &chart(
        "Reliability: are probabilities what they say?",
        "probability given",
        "share observed",
        reliability,
        diagonal,
    );
    out += &learning(trained);
    out += "</div>\n";
    if classes.len() > SERIES {
        out += &format!("<p>The first {SERIES} of {} classes are drawn.</p>\n", classes.len());
    }
    out
}

/// Log loss by round; empty for models without rounds.
fn learning(trained: &Trained) -> String {
    let curve = &trained.curve;
    if curve.len() < 2 {
        return String::new();
    }
    let at = |k: usize| (k + 1) as f64;
    let fitted: Vec<(f64, f64)> = curve.iter().enumerate().map(|(k, c)| (at(k), c.0)).collect();
    let held: Vec<(f64, f64)> = curve.iter().enumerate().filter_map(|(k, c)| c.1.map(|v| (at(k), v))).collect();
    let values = || fitted.iter().chain(&held).map(|p| p.1).filter(|v| v.is_finite());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let room = ((high - low) * 0.05).max(1e-6);
    let mut lines = vec![Line { name: "fitted rows", points: fitted, dots: false }];
    if !held.is_empty() {
        lines.push(Line { name: "held-out rows", points: held, dots: false });
    }
    let best = trained.rounds.map(|r| format!("best: round {r}"));
    Chart {
        title: "Learning curve",
        x_label: "round",
        y_label: "log loss",
        x: (1.0, curve.len() as f64),
        y: (low - room, high + room),
        lines,
        guide: None,
        mark: trained.rounds.zip(best.as_deref()).map(|(r, text)| (r as f64, text)),
    }
    .figure()
}

fn confusion(trained: &Trained) -> String {
    let classes = &trained.artifact.classes;
    let matrix = &trained.validation.metrics.confusion;
    if classes.len() > 30 {
        return format!("<p>Not drawn for {} classes.</p>\n", classes.len());
    }
    let head: String = classes.iter().map(|c| format!("<th scope=\"col\">{}</th>", escape(c))).collect();
    let mut rows = String::new();
    for (class, counts) in classes.iter().zip(matrix) {
        let all = counts.iter().sum::<u64>().max(1);
        rows += &format!("<tr><th scope=\"row\">{}</th>", escape(class));
        for &n in counts {
            let part = n as f64 / all as f64;
            // Half strength at most, so that the text stays readable in both themes.
            rows += &format!("<td style=\"--p:{:.3}\">{}<small>{}</small></td>", part / 2.0, count(n), percent(part));
        }
        rows += "</tr>\n";
    }
    format!(
        "<p>Held-out rows. Each row of the table is a true class, each column the most probable one.</p>\n\
         <div class=\"scroll\" tabindex=\"0\"><table class=\"confusion\"><thead><tr><th scope=\"col\">true \\ predicted</th>{head}</tr></thead>\
         <tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn importances(trained: &Trained) -> String {
    let how = match trained.artifact.model.family() {
        "logistic_regression" => "Size of a column's coefficients times its standard deviation, added up by feature",
        _ => "What the splits on a feature gain, added up",
    };
    let largest = trained.importance.first().map_or(1.0, |i| i.1);
    let bar = |(name, v): &(String, f64)| {
        let width = v / largest * 100.0;
        format!("<li><span>{}</span><b style=\"width:{width:.2}%\"></b><em>{}</em></li>\n", escape(name), percent(*v))
    };
    let bars: String = trained.importance.iter().take(MOST_FEATURES).map(bar).collect();
    let more = trained.importance.len().saturating_sub(MOST_FEATURES);
    let more = if more > 0 { format!("<p>… and {more} more with less.</p>\n") } else { String::new() };
    format!(
        "<p>{how}; all of them make 100 %. It says what the model uses, not what causes what.</p>\n<ol class=\"bars\">\n{bars}</ol>\n{more}"
    )
}

fn data(trained: &Trained) -> String {
    let a = &trained.artifact;
    let rows: u64 = trained.class_counts.iter().sum();
    let classes: Vec<Vec<String>> = a
        .classes
        .iter()
        .zip(&trained.class_counts)
        .map(|(c, &n)| vec![escape(c), count(n), percent(n as f64 / rows.max(1) as f64)])
        .collect();
    let fields: Vec<Vec<String>> = a
        .schema
        .fields
        .iter()
        .zip(&a.profile.slots)
        .map(|(field, counts)| {
            let seen = Observed::of(field, counts);
            let (kind, values) = match &field.kind {
                FieldKind::Category { levels, .. } => {
                    let mut text: Vec<String> = levels.iter().take(MOST_LEVELS).map(|l| escape(l)).collect();
                    if levels.len() > MOST_LEVELS {
                        text.push(format!("… {} more", levels.len() - MOST_LEVELS));
                    }
                    ("category", text.join(", "))
                }
                FieldKind::Number { .. } => ("number", range(&seen)),
                FieldKind::Time => ("time", range(&seen)),
                FieldKind::Flag => ("flag", "true, false".to_owned()),
            };
            let missing = if field.required { "required".to_owned() } else { percent(seen.missing_rate) };
            let typical = seen.typical.as_ref().map(value).unwrap_or_default();
            vec![escape(&field.name), kind.to_owned(), values, typical, missing]
        })
        .collect();
    let mut out = table(&["class", "rows", "share"], &classes, true);
    out += "<br>\n";
    out += &table(&["field", "kind", "values", "typical", "missing"], &fields, false);
    if !a.pipeline.derived.is_empty() {
        let derived: Vec<Vec<String>> = a
            .pipeline
            .derived
            .iter()
            .map(|d| vec![escape(&d.name), format!("<code>{}</code>", escape(&d.text))])
            .collect();
        out += "<br>\n";
        out += &table(&["derived feature", "expression"], &derived, false);
    }
    out
}

fn value(v: &Value) -> String {
    match v {
        Value::Number(v) => number(*v),
        Value::Text(t) => escape(t),
        Value::Flag(f) => f.to_string(),
    }
}

fn range(seen: &Observed) -> String {
    match (&seen.min, &seen.max) {
        (Some(min), Some(max)) => format!("{} to {}", value(min), value(max)),
        _ => String::new(),
    }
}

fn facts(trained: &Trained, id: &str, size: usize) -> String {
    let header = &trained.header;
    let text = |v: Option<&serde_json::Value>| match v {
        Some(serde_json::Value::String(s)) => escape(s),
        Some(v) => escape(&v.to_string()),
        None => String::new(),
    };
    let mut rows = vec![
        vec!["model id (SHA-256 of the file)".into(), format!("<code>{}</code>", escape(id))],
        vec!["file size".into(), format!("{} bytes", count(size as u64))],
        vec!["training data (SHA-256)".into(), format!("<code>{}</code>", text(header.training.get("data_sha256")))],
        vec!["seed".into(), text(header.training.get("seed"))],
        vec!["hedgerow".into(), escape(&header.tool_version)],
    ];
    if let Some(rounds) = trained.rounds {
        rows.insert(2, vec!["rounds kept".into(), count(rounds as u64)]);
    }
    let pretty = |v: Option<&serde_json::Value>| {
        let text = v.and_then(|v| serde_json::to_string_pretty(v).ok()).unwrap_or_default();
        format!("<pre>{}</pre>", escape(&text))
    };
    rows.push(vec!["parameters".into(), pretty(header.model.get("parameters"))]);
    rows.push(vec!["config".into(), pretty(header.training.get("config"))]);
    table(&["", ""], &rows, false)
}
