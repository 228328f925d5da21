//! PDFs that are written here.

/// A document of one page with one line.
pub(super) fn pdf(text: &str) -> Vec<u8> {
    written(text, None)
}

/// One that takes a password which nobody knows.
pub(super) fn locked_pdf() -> Vec<u8> {
    let (owner, user) = ("6f".repeat(32), "75".repeat(32));
    let lock = format!("<< /Filter /Standard /V 1 /R 2 /O <{owner}> /U <{user}> /P -4 >>");
    written("Secret", Some(lock))
}

fn written(text: &str, lock: Option<String>) -> Vec<u8> {
    let stream = format!("BT /F1 24 Tf 72 700 Td ({text}) Tj ET");
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut locked = "";
    if let Some(lock) = lock {
        objects.push(lock);
        locked = "/Encrypt 6 0 R /ID [<00> <00>]";
    }
    let count = objects.len() + 1;
    let (mut file, mut places) = (String::from("%PDF-1.4\n"), Vec::new());
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let table = file.len();
    file += &format!("xref\n0 {count}\n0000000000 65535 f \n");
    for place in places {
        file += &format!("{place:010} 00000 n \n");
    }
    file +=
        &format!("trailer\n<< /Size {count} /Root 1 0 R {locked} >>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}
