package config

import _ "embed"

//go:embed posagent.toml
var example string

// Example returns a whole posagent.toml with a comment on every key. Load
// accepts it once base_url and client_id are filled in; all keys with a
// default stand there behind a "#" with that default.
func Example() string { return example }
