// The style page: a chart with every kind of bar, a message and a question to look at.

import { $, readJson, segment } from '../lib/dom.js';
import { fiveChart } from '../parts/five_chart.js';
import { toast } from '../parts/toast.js';

const ZONE = 'Europe/London';

fiveChart($('[data-style-chart]'), () => ({ buckets: readJson('style-buckets'), zone: ZONE }));
segment($('[data-seg="style"]'), () => {});
$('[data-show-toast]').addEventListener('click', () => toast('Saved. In use since 14:12.'));
$('[data-show-question]').addEventListener('click', () => $('dialog.dlg').showModal());
