module posagent/queue/peers

go 1.26.0

require (
	github.com/mattn/go-sqlite3 v1.14.53
	github.com/mikestefanello/backlite v0.6.0
	golang.org/x/sys v0.49.0
	maragu.dev/goqite v0.4.0
	posagent v0.0.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
)

replace posagent => ../..
