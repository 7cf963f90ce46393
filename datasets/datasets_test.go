package datasets

import (
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestEverySetIsComplete(t *testing.T) {
	if !slices.IsSortedFunc(All(), func(a, b Set) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the sets are not sorted by name")
	}
	for _, s := range All() {
		if s.Name == "" || s.Description == "" || s.Authors == "" || s.License == "" || s.Home == "" {
			t.Errorf("%q lacks a fact: %+v", s.Name, s)
		}
		if s.Embedded != (len(s.Files) == 0) || s.Embedded != (s.Bytes() == 0) {
			t.Errorf("%s: a set is either embedded or has files", s.Name)
		}
		names := map[string]bool{}
		for _, f := range s.Files {
			if names[f.Name] || strings.ContainsAny(f.Name, `/\`) || f.Bytes < 1 {
				t.Errorf("%s: file %+v", s.Name, f)
			}
			names[f.Name] = true
			if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != 32 || f.SHA256 != strings.ToLower(f.SHA256) {
				t.Errorf("%s: SHA-256 %q", f.Name, f.SHA256)
			}
		}
		missing := s.byName()
		if s.Convert == nil && slices.ContainsFunc(s.Archives, func(a Archive) bool { return a.Packing == Source }) {
			t.Errorf("%s has nothing that makes its files from its archives", s.Name)
		}
		for _, a := range s.Archives {
			if len(a.URLs) == 0 || a.Bytes < 1 && a.Packing != Source || len(a.SHA256) != 64 {
				t.Errorf("%s is not complete", a.Name)
			}
			if !a.holdsAny(missing) {
				t.Errorf("%s holds no file of %s", a.Name, s.Name)
			}
			for _, u := range a.URLs {
				if parsed, err := url.Parse(u); err != nil || parsed.Host == "" || !strings.HasSuffix(u, a.Name) {
					t.Errorf("%s: home %q", a.Name, u)
				}
			}
		}
	}
}

func TestFind(t *testing.T) {
	for _, s := range All() {
		if got, err := Find(s.Name); err != nil || got.Name != s.Name {
			t.Errorf("Find(%q) = %q, %v", s.Name, got.Name, err)
		}
	}
	_, err := Find("cifar10")
	if err == nil || !strings.Contains(err.Error(), "cifar-10") {
		t.Errorf("Find of an unknown name: %v", err)
	}
}
