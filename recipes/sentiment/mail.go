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
func Text(raw []byte) string { return mailText(raw, maxParts) }

// mailText is Text of a mail whose parts may be so deep.
func mailText(raw []byte, deep int) string {
	head, body := splitMail(raw)
	subject, err := (&mime.WordDecoder{CharsetReader: anyCharset}).DecodeHeader(decoded([]byte(head["subject"])))
	if err != nil {
		subject = head["subject"]
	}
	return subject + "\n" + partText(head, body, deep)
}

// splitMail returns the headers, the first of each name, and the body. A text
// that does not begin with headers is all body.
func splitMail(raw []byte) (head map[string]string, body []byte) {
	head = map[string]string{}
	name, lines := "", []string(nil) // of the header that is being read
	finish := func() {
		if _, again := head[name]; name != "" && !again {
			head[name] = strings.Join(lines, " ")
		}
	}
	defer finish() // the last one
	rest := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	for {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		field, value, isHeader := strings.Cut(string(line), ":")
		switch {
		case len(line) == 0 && found:
			return head, after
		case name != "" && len(line) > 0 && (line[0] == ' ' || line[0] == '\t'):
			lines = append(lines, strings.TrimSpace(string(line)))
		case isHeader && field != "" && !strings.ContainsAny(field, " \t"):
			finish()
			name, lines = strings.ToLower(field), []string{strings.TrimSpace(value)}
		case bytes.HasPrefix(line, []byte("From ")) && name == "": // the mark of a mailbox file
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
		return mailText(body, deep-1)
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

// splitParts splits a body at its boundary lines (RFC 2046, section 5.1.1). What
// stands before the first and behind the last is for programs that know no parts.
func splitParts(body []byte, boundary string) []part {
	var parts []part
	mark, from, at := []byte("--"+boundary), -1, 0 // from: where the part begins that is being read
	finish := func(end int) {
		if from >= 0 {
			head, body := splitMail(body[from:end])
			parts = append(parts, part{head, body})
		}
	}
	for line := range bytes.Lines(body) {
		after, marked := bytes.CutPrefix(line, mark)
		switch after = bytes.TrimSpace(after); {
		case marked && len(after) == 0:
			finish(at)
			from = at + len(line)
		case marked && string(after) == "--": // behind the last
			finish(at)
			return parts
		}
		at += len(line)
	}
	finish(len(body))
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
	tag      = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^<>]*>`)

	// What is not shown begins with one of notShown's groups and ends with the
	// expression of that number.
	notShown     = regexp.MustCompile(`(?i)<(?:(!--)|(style)\b|(script)\b|(title)\b)`)
	notShownEnds = []*regexp.Regexp{regexp.MustCompile(`-->`), regexp.MustCompile(`(?i)</style\s*>`),
		regexp.MustCompile(`(?i)</script\s*>`), regexp.MustCompile(`(?i)</title\s*>`)}
)

// withoutTags returns the text of a page as it is shown.
func withoutTags(page string) string {
	page = shownOf(page) // spam puts comments into its words
	return html.UnescapeString(tag.ReplaceAllString(page, " "))
}

// shownOf leaves comments, styles, scripts and titles out. For an end that is
// not there it looks once and not from every beginning, so that a page twice as
// long takes twice the time, whatever is in it.
func shownOf(page string) string {
	var shown strings.Builder
	endless := make([]bool, len(notShownEnds))
	copied, at := 0, 0 // how far the page is copied or left out, and how far it is read
	for {
		begin := notShown.FindStringSubmatchIndex(page[at:])
		if begin == nil {
			break
		}
		kind := 0
		for begin[2+2*kind] < 0 {
			kind++
		}
		start := at + begin[0]
		at += begin[1]
		if endless[kind] {
			continue
		}
		end := notShownEnds[kind].FindStringIndex(page[at:])
		if end == nil {
			endless[kind] = true
			continue
		}
		shown.WriteString(page[copied:start])
		at += end[1]
		copied = at
	}
	shown.WriteString(page[copied:])
	return shown.String()
}
