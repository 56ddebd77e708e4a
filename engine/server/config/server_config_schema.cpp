#include "engine/server/config/server_config.hpp"

namespace potoo::server {

std::string_view server_config_schema() noexcept
{
    return R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "potoo.yaml",
  "description": "How a potoo server is run",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "dags": {"type": "string", "description": "Folder of DAG files, relative to this file"},
    "state": {"type": "string", "description": "Directory of the journal, relative to this file"},
    "listen": {"type": "string", "description": "ADDRESS:PORT; any but a loopback address needs TLS or a proxy, and tokens"},
    "tls": {
      "type": "object", "additionalProperties": false, "required": ["certificate", "key"],
      "properties": {
        "certificate": {"type": "string", "description": "PEM file with the server's certificate and its chain"},
        "key": {"type": "string", "description": "PEM file with its private key"}
      },
      "description": "Speak TLS"
    },
    "behind_proxy": {"type": "boolean", "description": "Something before the server speaks TLS"},
    "trusted_proxies": {"type": ["array", "string"], "items": {"type": "string"}, "description": "Addresses whose X-Forwarded-For and X-Forwarded-Proto count"},
    "hosts": {"type": ["array", "string"], "items": {"type": "string"}, "description": "Names under which clients reach the server, besides that of `listen`"},
    "origins": {"type": ["array", "string"], "items": {"type": "string", "pattern": "^https?://[^/]+$"}, "description": "Web pages from elsewhere that may ask, such as https://app.example.org"},
    "max_connections": {"type": "integer", "minimum": 1, "description": "Most connections at a time; 4096 if not given"},
    "max_connections_of_one_peer": {"type": "integer", "minimum": 0, "description": "Most connections of one address that is no trusted proxy; 1024 if not given, 0 is as many as all"},
    "public_url": {"type": "string", "pattern": "^https?://", "description": "URL under which others reach the server: for callbacks"},
    "log": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "format": {"enum": ["text", "json"], "description": "How the log on standard error is written"},
        "requests": {"type": "boolean", "description": "Log every request"}
      },
      "description": "The log on standard error"
    },
    "statsd": {"type": "string", "description": "HOST:PORT that metrics are sent to as well, over UDP"},
    "plugins": {"type": ["array", "string"], "items": {"type": "string"}, "description": "Libraries with operators, relative to this file"},
    "keep_tasks": {"type": "integer", "minimum": 0, "description": "Keep so many of the latest ended ad-hoc tasks; 10000 if not given"},
    "keep_tasks_for": {"type": "string", "description": "Keep ad-hoc tasks that ended no longer ago than this; 30d if not given"},
    "users_may_submit": {"type": ["array", "string"], "items": {"type": "string"}, "description": "Operators whose tasks users submit; if not given, all but those that act on the server's machine or with its credentials"},
    "keep_runs": {"type": "integer", "minimum": 0, "description": "Keep so many of the latest ended runs of each DAG"},
    "keep_for": {"type": "string", "description": "Keep runs that ended no longer ago than this, such as 30d"},
    "limits": {
      "type": "object", "additionalProperties": false,
      "properties": {
        "max_attempts": {"type": "integer", "minimum": 1, "description": "Start no attempt while so many are in flight"},
        "max_running": {"type": "integer", "minimum": 1, "description": "Start no attempt while so many run that are not deferred"},
        "max_memory": {"type": "string", "description": "Start no attempt while the engine uses more memory, such as 2GiB"}
      },
      "description": "What the engine takes on at once"
    },
    "secrets": {
      "type": "object",
      "additionalProperties": {
        "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        "properties": {
          "env": {"type": "string", "description": "An environment variable of the server"},
          "file": {"type": "string", "description": "A file, relative to this one"},
          "command": {"type": "array", "minItems": 1, "items": {"type": "string"}, "description": "A program and its arguments, which prints the secret"}
        }
      },
      "description": "Secrets that all DAGs may use; never recorded, masked everywhere"
    },
    "connections": {
      "type": "object",
      "additionalProperties": {"type": "object", "required": ["type"], "properties": {"type": {"type": "string"}}},
      "description": "How all DAGs and ad-hoc tasks reach the outside, by name"
    }
  }
})";
}

} // namespace potoo::server
