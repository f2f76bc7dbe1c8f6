#!/bin/sh
# Validates PDF files as PDF/A-3b with veraPDF: a line each, the file, a tab, the failed clauses.
# Needs a JDK of 11 or newer, and Maven once, to fetch the jars that pom.xml names.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
jars=$here/../build/verapdf
if [ ! -d "$jars" ]; then
    mvn -q -B -f "$here/verapdf/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$jars.part" >&2
    mv "$jars.part" "$jars"
fi
exec java -cp "$jars/*" "$here/verapdf/Check.java" "$@"
