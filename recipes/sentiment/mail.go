package sentiment

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"mime"
	"mime/quotedprintable"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxParts is how deep parts of a mail may stand in parts.
const maxParts = 5

// Text returns what a person reads of a mail: its subject and the text of its
// body, without transfer encodings, attachments and HTML tags. Where the mail
// came from and how, which the other headers tell, is not in it. Mails are full
// of mistakes; what cannot be decoded is taken as it stands.
func Text(raw []byte) string {
	head, body := splitMail(raw)
	subject, err := (&mime.WordDecoder{CharsetReader: anyCharset}).DecodeHeader(decoded([]byte(head["subject"])))
	if err != nil {
		subject = head["subject"]
	}
	return subject + "\n" + partText(head, body, maxParts)
}

// splitMail returns the headers, the first of each name, and the body. A text
// that does not begin with headers is all body.
func splitMail(raw []byte) (head map[string]string, body []byte) {
	head = map[string]string{}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	rest, last := raw, ""
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		name, value, isHeader := strings.Cut(string(line), ":")
		switch {
		case len(line) == 0 && found:
			return head, after
		case last != "" && len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			head[last] += " " + strings.TrimSpace(string(line))
		case isHeader && name != "" && !strings.ContainsAny(name, " \t"):
			last = strings.ToLower(name)
			if _, again := head[last]; again {
				last = "again" // what goes on in the next lines must not be added to the first
			} else {
				head[last] = strings.TrimSpace(value)
			}
		case bytes.HasPrefix(line, []byte("From ")) && len(head) == 0: // the mark of a mailbox file
		default:
			return head, rest
		}
		if !found {
			return head, nil
		}
		rest = after
	}
}

// partText returns the text of a part; parts in it may be so deep.
func partText(head map[string]string, body []byte, deep int) string {
	kind, params, err := mime.ParseMediaType(head["content-type"])
	if err != nil && kind == "" {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && deep > 0 {
		var texts []string
		for _, part := range splitParts(body, params["boundary"]) {
			text := partText(part.head, part.body, deep-1)
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			if kind == "multipart/alternative" { // the same once more
				return text
			}
			texts = append(texts, text)
		}
		return strings.Join(texts, "\n")
	}
	if kind == "message/rfc822" && deep > 0 {
		head, body := splitMail(body)
		return head["subject"] + "\n" + partText(head, body, deep-1)
	}
	if !strings.HasPrefix(kind, "text/") {
		return ""
	}
	text := decoded(transferDecoded(body, head["content-transfer-encoding"]))
	if kind == "text/html" || someTags.MatchString(text) {
		text = withoutTags(text)
	}
	return text
}

type part struct {
	head map[string]string
	body []byte
}

// splitParts splits a body at its boundary lines. What stands before the first
// and behind the last is for programs that know no parts.
func splitParts(body []byte, boundary string) []part {
	var parts []part
	pieces := bytes.Split(body, []byte("--"+boundary))
	for _, piece := range pieces[min(1, len(pieces)):] {
		if bytes.HasPrefix(piece, []byte("--")) {
			break
		}
		_, piece, _ = bytes.Cut(piece, []byte("\n"))
		head, body := splitMail(piece)
		parts = append(parts, part{head, body})
	}
	return parts
}

// transferDecoded undoes a transfer encoding as far as it goes.
func transferDecoded(body []byte, encoding string) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		if err == nil {
			return out
		}
	case "base64":
		out, _ := io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body)))
		if len(out) > 0 {
			return out
		}
	}
	return body
}

// decoded takes bytes as UTF-8, or else as Latin-1.
func decoded(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// anyCharset reads any character set as decoded does.
func anyCharset(_ string, input io.Reader) (io.Reader, error) {
	b, err := io.ReadAll(input)
	return strings.NewReader(decoded(b)), err
}

var (
	someTags = regexp.MustCompile(`(?i)<(html|body|table|font|center|br|p|a href)\b`)
	notShown = regexp.MustCompile(`(?is)<!--.*?-->|<style\b.*?</style\s*>|<script\b.*?</script\s*>|<title\b.*?</title\s*>`)
	tag      = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^<>]*>`)
)

// withoutTags returns the text of a page as it is shown.
func withoutTags(page string) string {
	page = notShown.ReplaceAllString(page, "") // spam puts comments into its words
	return html.UnescapeString(tag.ReplaceAllString(page, " "))
}
