import statistics,tempfile,contextlib
from pathlib import Path
from tests.bench import pages
from tests.bench.load import load
from tests.running import running_site
confs={"plain":{}, "1ms":{"SWI":"0.001"}, ".5ms":{"SWI":"0.0005"},".2ms":{"SWI":"0.0002"},"1ms gc":{"SWI":"0.001","GCX":"1"},".5ms gc":{"SWI":"0.0005","GCX":"1"},"1ms 4thr":{"SWI":"0.001","WEB_THREADS":"4"}}
with contextlib.ExitStack() as st:
    sites={}
    for i,(n,e) in enumerate(confs.items()):
        folder=st.enter_context(tempfile.TemporaryDirectory())
        sites[n]=st.enter_context(running_site(f"revival_pages{i}", Path(folder), pages.NEVER_NEW|e))
    found={n:[] for n in sites}
    for s in sites.values():
        load(s.url+pages.PAGES["article"],pages.BROTLI)
    for _ in range(14):
        for n,s in sites.items(): found[n].append(load(s.url+pages.PAGES["article"],pages.BROTLI))
    for n,l in found.items(): print(f"{n:10} rate {statistics.median(x.rate for x in l):7.0f} p50 {statistics.median(x.p50 for x in l):5.2f} p99 {statistics.median(x.p99 for x in l):6.2f}  best p99 {min(x.p99 for x in l):.2f}")
