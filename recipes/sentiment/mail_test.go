package sentiment

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextIsWhatAPersonReads(t *testing.T) {
	for _, c := range []struct{ name, mail, want string }{
		{"plain", "From a@b Thu Aug 22\nReceived: from x\n\tby y\nSubject: good\n news\nX-Spam: yes\n\nRead this.\n", "good news\nRead this.\n"},
		{"no headers", "just a text: with a colon\nand more", "\njust a text: with a colon\nand more"},
		{"windows lines", "Subject: s\r\n\r\nb\r\n", "s\nb\n"},
		{"the first subject counts", "Subject: one\nSubject: two\n more\n\nb", "one\nb"},
		{"encoded subject", "Subject: =?iso-8859-1?Q?caf=E9?= =?utf-8?B?w6k=?=\n\nb", "caféé\nb"},
		{"quoted printable", "Subject: s\nContent-Transfer-Encoding: quoted-printable\n\n=46ree mon=\ney", "s\nFree money"},
		{"base64", "Subject: s\nContent-Transfer-Encoding: base64\n\naGVs\nbG8=\n", "s\nhello"},
		{"latin-1", "Subject: s\n\ncaf\xe9", "s\ncafé"},
		{"HTML", "Subject: s\nContent-Type: text/html\n\n<html><title>t</title><style>p{}</style><p class='x'>Via<!-- -->gra &amp; co<br>now</html>", "s\n  Viagra & co now "},
		{"HTML that says nothing of it", "Subject: s\n\n<HTML><b>now</b>", "s\n  now "},
		{"not a tag", "Subject: s\n\nif a < b and b > c", "s\nif a < b and b > c"},
		{"parts", "Subject: s\nContent-Type: multipart/mixed; boundary=\"x\"\n\nfor old programs\n--x\n\none\n--x\nContent-Type: image/png\n\nzzzz\n--x\nContent-Type: text/plain\n\ntwo\n--x--\nbehind", "s\none\ntwo"},
		{"alternatives", "Subject: s\nContent-Type: multipart/alternative; boundary=x\n\n--x\nContent-Type: text/plain\n\nplain\n--x\nContent-Type: text/html\n\n<p>rich\n--x--\n", "s\nplain"},
		{"boundaries that begin alike", "Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/mixed; boundary=xy\n\n--xy\n\none\n--xy\n\ntwo\n--xy--\n--x\n\nthree\n--x--\n", "s\none\ntwo\nthree"},
		{"a boundary within a line", "Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nthe mark is --x\nit says\n--x--\n", "s\nthe mark is --x\nit says"},
		{"a part without an end", "Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none", "s\none"},
		{"not shown", "Subject: s\nContent-Type: text/html\n\n<style>a</style ><SCRIPT x>b</script>c<!-- <style> -->d<title>e</title>f<styles>g", "s\ncdf g"},
		{"what never ends is shown", "Subject: s\nContent-Type: text/html\n\na<!-- b<style>c</style>d<!-- e<script>f", "s\na<!-- bd<!-- e f"},
		{"an encoded subject in a mail in a mail", "Subject: s\nContent-Type: message/rfc822\n\nSubject: =?utf-8?B?w6k=?=\n\nb", "s\né\nb"},
		{"a mail in a mail", "Subject: s\nContent-Type: message/rfc822\n\nSubject: inner\n\nb", "s\ninner\nb"},
		{"empty", "", "\n"},
	} {
		if got := Text([]byte(c.mail)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPartsInPartsEnd(t *testing.T) {
	mail, deepest := "Subject: s\n", 0
	for level := range 50 {
		mail += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%dx\n\n--b%dx\nContent-Type: text/plain\n\nlevel %d\n--b%dx\n", level, level, level, level)
	}
	for level := range 50 {
		if strings.Contains(Text([]byte(mail))+"\n", fmt.Sprintf("level %d\n", level)) {
			deepest = level
		}
	}
	if deepest != maxParts-1 {
		t.Errorf("parts were read to level %d", deepest)
	}
}

// The time that a mail takes grows with its length, whatever is in it. Where it
// grew with the square of that, both of these took longer than a test may.
func TestMailsMadeToTakeLongEnd(t *testing.T) {
	const size = 4 << 20
	for head, again := range map[string]string{
		"A: b\n":                      " c\n",
		"Content-Type: text/html\n\n": "<!--<style></style>",
	} {
		if text := Text([]byte(head + strings.Repeat(again, size/len(again)))); len(text) > size {
			t.Errorf("%q: a text of %d bytes", head, len(text))
		}
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string]string{
		"Earn $5,000 NOW!!":                   "earn $ <number> now ! !",
		"see (http://x.y/z) or www.q.com":     "see <link> or <link>",
		"see <https://x.y/z>":                 "see <link>",
		"write to <joe@x.com>, don't 'quote'": "write to <address> don't quote",
		"100% ROCK’N’ROLL\ttext_more":         "<number> % rock'n'roll text more",
		"a aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":    "a <long>",
		"at@ @home 3.5":                       "at home <number>",
		" -- *** ":                            "",
	} {
		if got := strings.Join(Tokens(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x--\n"))
	f.Add([]byte("Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n<p>=="))
	f.Add([]byte("Subject: =?utf-8?B?w6k=?=\n\n<!-- <script>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, token := range Tokens(Text(raw)) {
			if token == "" || strings.ContainsAny(token, " \n\t") || !utf8.ValidString(token) {
				t.Errorf("token %q", token)
			}
		}
	})
}
