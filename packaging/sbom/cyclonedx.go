package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// bom is a CycloneDX document, version 1.6, as far as we fill it.
type bom struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licences   []licence  `json:"licenses"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licence struct {
	Licence    *licenceID `json:"license,omitempty"`
	Expression string     `json:"expression,omitempty"`
}

type licenceID struct {
	ID string `json:"id"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// cycloneDX writes the bill of materials. Its serial number follows from the
// program's bytes, so that the same program has the same bill.
func (j job) cycloneDX(parts []part) ([]byte, error) {
	program, err := os.ReadFile(j.binary)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(program)
	self := part{name: "posagent", version: j.version, purl: "pkg:generic/posagent@" + j.version, licence: "Apache-2.0"}
	top := self.component("application")
	top.Hashes = []hash{{"SHA-256", fmt.Sprintf("%x", sum)}}
	b := bom{
		Format: "CycloneDX", Spec: "1.6", Serial: serial(sum), Version: 1,
		Metadata: metadata{Timestamp: j.date.Format(time.RFC3339), Component: top},
	}
	on := map[string][]string{}
	for _, p := range parts {
		b.Components = append(b.Components, p.component("library"))
		on[p.within] = append(on[p.within], p.purl)
	}
	b.Dependencies = append(b.Dependencies, dependency{top.Ref, on[""]})
	for _, p := range parts {
		b.Dependencies = append(b.Dependencies, dependency{p.purl, append([]string{}, on[p.name]...)})
	}
	text, err := json.MarshalIndent(b, "", "  ")
	return append(text, '\n'), err
}

// serial makes a UUID of a sum: version 8, whose bits are the maker's own (RFC 9562).
func serial(sum [32]byte) string {
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

func (p part) component(kind string) component {
	c := component{Type: kind, Ref: p.purl, Name: p.name, Version: p.version, PURL: p.purl}
	if strings.Contains(p.licence, " ") {
		c.Licences = []licence{{Expression: p.licence}}
	} else {
		c.Licences = []licence{{Licence: &licenceID{p.licence}}}
	}
	if p.sum != "" {
		c.Properties = []property{{"go:sum", p.sum}}
	}
	return c
}
