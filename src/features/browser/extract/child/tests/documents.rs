//! Documents that are made here.

/// A PDF with a page for each text.
pub(super) fn pdf(pages: &[&str]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len())
        .map(|nth| format!("{} 0 R", 5 + 2 * nth))
        .collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} >>",
            kids.join(" "),
            pages.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
        "<< /Title (A title) >>".to_owned(),
    ];
    for (nth, text) in pages.iter().enumerate() {
        let content = if text.is_empty() {
            "0 0 100 100 re f".to_owned()
        } else {
            format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET")
        };
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            6 + 2 * nth
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    let (mut document, mut table) = ("%PDF-1.4\n".to_owned(), String::new());
    for (nth, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", document.len());
        document += &format!("{} 0 obj\n{object}\nendobj\n", nth + 1);
    }
    let (at, count) = (document.len(), objects.len() + 1);
    document += &format!("xref\n0 {count}\n0000000000 65535 f \n{table}");
    document +=
        &format!("trailer << /Size {count} /Root 1 0 R /Info 4 0 R >>\nstartxref\n{at}\n%%EOF\n");
    document.into_bytes()
}
