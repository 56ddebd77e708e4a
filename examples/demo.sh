#!/bin/sh
# Starts the example job service, launches a thousand jobs on it from one thread, and says where everything is.
# Usage: demo.sh BUILD_DIR
set -eu
build=$1
root=$(cd "$(dirname "$0")/.." && pwd)
state=${POTOO_DEMO_STATE:-.potoo}
ready=$(mktemp -d)
service=

stop() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$ready"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$build/examples/job_service/job_service" --quiet --slots 64 --port-file "$ready/port" >"$ready/url" &
service=$!
while [ ! -s "$ready/port" ]; do
    kill -0 "$service" 2>/dev/null || { echo "the job service did not start" >&2; exit 1; }
    sleep 0.05
done
url="http://127.0.0.1:$(cat "$ready/port")"

echo "job service: $url (runs 64 processes at a time)"
echo "running:     potoo run examples/thousand_jobs.yaml -p service=$url"
echo
code=0
"$build/potoo" run "$root/examples/thousand_jobs.yaml" -p "service=$url" --state "$state" || code=$?
echo
echo "what it did: 1,000 jobs submitted to the service over HTTP, watched from one thread, their outputs summed up."
echo "state:       $state/potoo.db (one SQLite file)"
echo "look again:  $build/potoo status --state $state"
echo "             sqlite3 $state/potoo.db 'select * from run_status'"
exit "$code"
