#!/bin/sh
# What a container of the image does, by its first argument:
#   up                a whole node with embedded servers, the default
#   prepare           migrations, genesis and the operator's login, then the end
#   web rpc virtual validate shards mine index beat
#                     one process of a node whose servers MDS_DATABASE_URL and MDS_REDIS_URL name
#   anything else     a command of manage.py, such as `doctor` or `verify_chain`
# A secret may come as a file: DATABASE_URL_FILE, REDIS_URL_FILE and OPERATOR_PASSWORD_FILE name files that hold the
# values of the MDS_ variables without _FILE.
set -eu

for name in DATABASE_URL REDIS_URL OPERATOR_PASSWORD; do
  eval "file=\${${name}_FILE:-}"
  if [ -n "$file" ]; then
    if [ ! -r "$file" ]; then
      echo "entrypoint: ${name}_FILE: $file cannot be read" >&2
      exit 2
    fi
    value=$(cat "$file")
    export "MDS_${name}=$value"
    unset "${name}_FILE" value
  fi
done

cd "$(dirname "$0")/../.."
role=${1:-up}
[ $# -eq 0 ] || shift
# the health check asks what this container is
mkdir -p "${TMPDIR:-/tmp}"
echo "$role" > "${TMPDIR:-/tmp}/mondoshawan-role"
case $role in
  web | rpc | virtual | validate | shards | mine | index | beat) set -- process "$role" "$@" ;;
  *) set -- "$role" "$@" ;;
esac
exec python manage.py "$@"
