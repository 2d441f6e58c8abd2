//! The page around a report's parts.

/// `text` so that HTML and attributes show it as it is; control characters become the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The whole file. `title` is escaped here; `body` is HTML.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title),
        include_str!("report.css")
    )
}

/// A section with a heading.
pub(super) fn section(heading: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(heading))
}

/// A table; `head` and `rows` are HTML already. Columns after the first are numbers where `numeric` says so.
pub(super) fn table(head: &[&str], rows: &[Vec<String>], numeric: bool) -> String {
    let class = if numeric { " class=\"numeric\"" } else { "" };
    let head: String = head.iter().map(|h| format!("<th scope=\"col\">{h}</th>")).collect();
    let row = |r: &Vec<String>| {
        let mut cells = r.iter();
        let first = cells.next().map_or_else(String::new, |c| format!("<th scope=\"row\">{c}</th>"));
        let rest: String = cells.map(|c| format!("<td>{c}</td>")).collect();
        format!("<tr>{first}{rest}</tr>\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\"><table{class}><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>\n"
    )
}

/// Thousands apart: `22,792`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number for people: up to four significant decimals, no trailing zeros.
pub(super) fn number(v: f64) -> String {
    if v == 0.0 {
        return "0".into();
    }
    let size = v.abs();
    if !(1e-3..1e7).contains(&size) {
        return format!("{v:.3e}");
    }
    let decimals = if size >= 1000.0 { 1 } else { 4 };
    let text = format!("{v:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A share as a percentage.
pub(super) fn percent(v: f64) -> String {
    if v > 0.0 && v < 0.001 { "&lt; 0.1 %".into() } else { format!("{:.1} %", v * 100.0) }
}
