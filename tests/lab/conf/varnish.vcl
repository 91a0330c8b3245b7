vcl 4.1;
import std;
@backends@
acl blocked { "127.0.0.66"; }
# addresses of a country, as a table of a GeoIP service lists them
acl unlicensed { "127.0.0.66"; }

sub vcl_recv {
@snippets:varnish:recv@
    if (req.method == "PURGE") { return (purge); }
@choice@
    if (local.socket == "chain") { set req.backend_hint = waf; }
    if (req.method != "GET" && req.method != "HEAD") { return (pass); }
    if (req.http.Authorization || req.http.Cookie) { return (pass); }
    return (hash);
}

sub vcl_backend_fetch {
    set bereq.http.Connection = "close";
}

sub vcl_backend_response {
@snippets:varnish:response@
    if (beresp.status >= 400 && !beresp.http.Cache-Control) { set beresp.uncacheable = true; set beresp.ttl = 0s; }
}

sub vcl_deliver {
    if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; } else { set resp.http.X-Cache = "MISS"; }
@snippets:varnish:deliver@
}

sub vcl_synth {
@snippets:varnish:synth@
}
