//! A report as HTML for mails: styles inline, nothing fetched from anywhere, everything people wrote escaped.

use crate::{
    Document,
    text::{change, shown},
};

const CELL: &str =
    "padding:5px 10px;border-bottom:1px solid #e1e5df;text-align:right;font-variant-numeric:tabular-nums";
const NAME: &str = "padding:5px 10px 5px 0;border-bottom:1px solid #e1e5df;text-align:left;font-weight:normal";

/// For programs that read it: on a phone four columns need narrower margins. The others show what stands inline.
const NARROW: &str = "@media (max-width:480px){body{padding:12px !important;font-size:13px !important}th,td{padding-left:4px !important;padding-right:4px !important}th:first-child{padding-left:0 !important}}";

/// The page. `footer` is put below it as it is (a link to unsubscribe), already escaped.
pub fn html(document: &Document, footer: &str) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>{NARROW}</style></head>\
         <body style=\"font:15px/1.5 system-ui,sans-serif;color:#17201d;background:#fbfbf9;margin:0;padding:24px\">\
         <div style=\"max-width:640px;margin:0 auto\"><h1 style=\"font-size:22px;margin:0 0 4px\">{title}</h1>\
         <p style=\"margin:0 0 4px\">{period}, compared with {before}.</p><p style=\"margin:0;color:#5a635d\">{about}</p>",
        title = escaped(&document.title),
        period = escaped(&document.period.label()),
        before = escaped(&document.before.label()),
        about = escaped(&document.about),
    );
    for section in &document.sections {
        out.push_str(&format!(
            "<h2 style=\"font-size:17px;border-top:2px solid #17201d;padding-top:6px;margin:24px 0 6px\">{}</h2>\
             <table style=\"border-collapse:collapse;width:100%\"><thead><tr><th style=\"{NAME}\">&nbsp;</th>\
             <th scope=\"col\" style=\"{CELL}\">{}</th><th scope=\"col\" style=\"{CELL}\">{}</th>\
             <th scope=\"col\" style=\"{CELL}\">Change</th></tr></thead><tbody>",
            escaped(&section.title),
            escaped(&document.period.key()),
            escaped(&document.before.key()),
        ));
        for figure in &section.figures {
            let note = if figure.note.is_empty() {
                String::new()
            } else {
                format!("<br><span style=\"color:#8a5a00\">{}</span>", escaped(&figure.note))
            };
            out.push_str(&format!(
                "<tr><th scope=\"row\" style=\"{NAME}\">{}{note}</th><td style=\"{CELL}\"><b>{}</b></td>\
                 <td style=\"{CELL}\">{}</td><td style=\"{CELL}\">{}</td></tr>",
                escaped(&figure.name),
                shown(figure.now),
                shown(figure.before),
                change(figure),
            ));
        }
        out.push_str("</tbody></table>");
    }
    if !document.remarks.is_empty() {
        out.push_str("<h2 style=\"font-size:17px;margin:24px 0 6px\">To know about it</h2><ul style=\"margin:0;padding-left:20px\">");
        for remark in &document.remarks {
            out.push_str(&format!("<li>{}</li>", escaped(remark)));
        }
        out.push_str("</ul>");
    }
    if let Some(link) = &document.link {
        out.push_str(&format!("<p style=\"margin:24px 0 0\"><a href=\"{0}\">{0}</a></p>", escaped(link)));
    }
    if !footer.is_empty() {
        out.push_str(&format!("<p style=\"margin:24px 0 0;color:#5a635d;font-size:13px\">{footer}</p>"));
    }
    out + "</div></body></html>\n"
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
