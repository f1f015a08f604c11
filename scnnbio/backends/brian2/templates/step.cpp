{# USES_VARIABLES { N, t_in_timesteps } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% set _real = c_data_type(variables['_reach'].dtype) if horizons else '' %}
{# Where arriving spikes change what the threshold reads, one pass updates before they arrive and
   another tests after it. Both see which words sleep. #}
{% set _split = sleeps and not (updates and tests) %}
{# The indices of a lane: of its states, of constants that are a tile, and of those that depend on how
   many steps are taken. #}
{% macro _lane() %}
                const size_t _idx = _first + _k;
                const size_t _vectorisation_idx = _idx;
                {% if tiled %}
                const size_t _lane_idx = _tile + _k;
                {% if sleeps and updates %}
                const size_t _power_lane_idx = _power_idx * {{tile}} + _tile + _k;
                {% endif %}
                {% endif %}
{% endmacro %}
{% macro _update() %}
                {
                    {% for name in holds %}
                    const {{c_data_type(variables[name].dtype)}} _kept_{{name}} = {{get_array_name(variables[name])}}[_idx];
                    {% endfor %}
                    {{vector_code['update']|autoindent}}
                    {% for name in holds %}
                    {{get_array_name(variables[name])}}[_idx] =
                        _Lane(_bits << (_WORD - 1 - _k)) < 0 ? _kept_{{name}} : {{get_array_name(variables[name])}}[_idx];
                    {% endfor %}
                }
{% endmacro %}
{% macro _word(length, test) %}
        {
            {% if holds %}
            const _Word _bits = _held[_w];
            {% endif %}
            _Lane _above = 0;
            for (_Lane _k = 0; _k < {{length}}; _k++) {
                {{_lane()}}
                {% if updates %}
                {{_update()}}
                {% endif %}
                {% if test %}
                {
                    {{vector_code['test']|autoindent}}
                    _above |= _Lane(_cond ? 1 : 0) << _k;
                }
                {% endif %}
            }
            {% if test %}
            for (_Word _who = _above; _who; _who &= _who - 1) {
                const int32_t _idx = _first + __builtin_ctzll(_who);
                {% if waits %}
                if ({{free_at}}[_idx] > _now) continue;
                {% endif %}
                _list[_count++] = _idx;
                {% if resets %}
                {
                    const size_t _vectorisation_idx = _idx;
                    {% if tiled %}
                    const size_t _lane_idx = _tile + (_idx - _first);
                    {% endif %}
                    {{vector_code['reset']|autoindent}}
                }
                {% if _direct %}
                _hold(_idx);
                {% endif %}
                {% endif %}
            }
            {% endif %}
        }
{% endmacro %}
{# Lets a word sleep while no neuron in it outside refractoriness can fire; if one can, the word is
   not checked again for a while. #}
{% macro _ask() %}
        {
            _cost++;
            const int32_t _next = _last[_w] + 1;
            {% for horizon in horizons %}
            if (_due[_w] == _next) {
                _Lane _above = 0, _most = _Lane(_Word(1) << (_WORD - 1));
                for (_Lane _k = 0; _k < _WORD; _k++) {
                    {{_lane()}}
                    {{vector_code['reach_' ~ horizon]|autoindent}}
                    _Lane _bits;
                    std::memcpy(&_bits, &_reach, sizeof(_bits));
                    _most = std::max(_most, _ordered(_bits));
                    _above |= _Lane(_reach < 0 ? 0 : 1) << _k;
                }
                if (!{{"(_Word(_above) & ~_held[_w])" if masks else "_above"}}) {
                    _due[_w] = _next + {{horizon}};
                    _most = _ordered(_most);
                    {{_real}} _far;
                    std::memcpy(&_far, &_most, sizeof(_far));
                    _highest[_w] = _far;
                }
                {% if loop.last %}
                else _pause[_w] = _next + {{horizon}};
                {% endif %}
            }
            {% endfor %}
        }
{% endmacro %}
{# All words, or those that are not asleep. Where all take the same one step, the constants do not
   change from word to word. A word that is updated before spikes arrive is due to be tested. #}
{% macro _pass(asleep) %}
    for (int _w = _begin; _w < _end; _w++) {
        const int _first = _w * _WORD;
        {% if tiled %}
        const int _tile = _first % {{tile}};
        {% endif %}
        {% if asleep %}
        if (!_all && _due[_w] > _now) continue;
        {% if updates %}
        const int _power_idx = _now - _last[_w] - 1;
        {% endif %}
        {% if tests %}
        const int _fired = _count;
        {# The last neurons, fewer than a word, stay awake. #}
        const bool _may = !_all && _pause[_w] <= _now && _first + _WORD <= N;
        {% endif %}
        {% if updates and tests %}
        {# A word that was up to date one step ago, because a spike arrived, may be able to sleep. #}
        const bool _asks = _may && !_power_idx;
        if (_asks) {
            {{_ask()}}
            if (_due[_w] > _now) continue;
        }
        {% endif %}
        {% elif sleeps and updates %}
        const int _power_idx = 0;
        {% endif %}
        if (_first + _WORD <= N)
        {{_word("_WORD", tests)}}
        else
        {{_word("N - _first", tests)}}
        {% if asleep %}
        _cost += {{1 if _split else 2}};
        {% if updates %}
        _last[_w] = _now;
        {% endif %}
        _due[_w] = _now{{' + 1' if tests}};
        {% if tests %}
        if (_may{{' && !_asks' if updates}} && _count == _fired) {{_ask()}}
        {% endif %}
        {% endif %}
    }
{% endmacro %}
{% set _parallel = openmp_pragma('with_openmp') %}
{# Neurons that fire in this pass are refractory from now on. #}
{% set _direct = tests and updates and resets and holds and not _parallel %}
{% block extra_headers %}
#include <cstring>
namespace {
    {# Neurons are grouped in words, one per bit of a machine word. The bits mark refractory neurons, and
       comparisons with the threshold return bits, so that neither costs memory traffic
       per neuron, nor a branch. A lane is a whole number as wide as the states, so that a vector
       of one is a vector of the other. #}
    typedef {{'int64_t' if lane == 8 else 'int32_t'}} _Lane;
    typedef {{'uint64_t' if lane == 8 else 'uint32_t'}} _Word;
    const int _WORD = {{8 * lane}}, _WORDS = ({{size}} + _WORD - 1) / _WORD;
    {% if holds %}
    std::vector<std::vector<int32_t> > _release;
    {% endif %}
    {% if sleeps and updates %}
    {# The word that is observed between its updates, and the values to restore afterwards. #}
    int _viewed = -1;
    int32_t _viewed_last, _viewed_due;
    {% for name in states %}
    {{c_data_type(variables[name].dtype)}} _viewed_{{name}}[_WORD];
    {% endfor %}
    {% endif %}
    {% if horizons %}
    {# Numbers are in the order of their bits, negative ones the other way round. #}
    inline _Lane _ordered(_Lane _bits) { return _bits ^ ((_bits >> (_WORD - 1)) & _Lane(~_Word(0) >> 1)); }
    {% endif %}
}
{% set _outside = 'extern ' if _split and not updates else '' %}
{% set _words = '' if _outside else '(_WORDS)' %}
namespace {{'of_' ~ sleeps if _split}} {
    {% if holds or (_split and masks) %}
    {# A cache of free_at: made anew when a trial begins, then kept up to date spike by spike. #}
    {{_outside}}std::vector<_Word> _held{{_words}};
    {% endif %}
    {% if sleeps %}
    {# By word: the step after which its states are valid; the step of its next update;
       the step until which sleeping is not checked; the largest excess over threshold
       before its next update. All states are up to date between trials. #}
    {{_outside}}std::vector<int32_t> _last{{_words}}, _due{{_words}}, _pause{{_words}};
    {{_outside}}std::vector<double> _highest{{_words}};
    {% endif %}
    {% if _split %}
    {# Whether all words are updated in this step, because a trial or a phase of sleeping begins. #}
    {{_outside}}bool _begins;
    {% endif %}
}
{% if _split %}
using namespace of_{{sleeps}};
{% endif %}
{% if sleeps and not updates %}
extern bool asleep_{{sleeps}};
{% elif sleeps %}
{# Whether any word may be asleep. #}
bool asleep_{{sleeps}} = false;
void wake_{{sleeps}}(int _from, int _to, int64_t _now, double _push);
{% endif %}
{% endblock %}
{% block maincode %}
    const int64_t _now = {{t_in_timesteps}};
    {% for name, source in levels %}
    for (int _k = 0; _k < {{tile}}; _k++) {{get_array_name(variables[name])}}[_k] = {{get_array_name(variables[source])}}[_k % {{channels}}];
    {% endfor %}
    {% if sleeps and updates %}
    {# Where few words sleep, checking does not pay: then all stay awake for a while. The cost
       so far is counted in halves of an update of a word. #}
    int32_t *_phase = {{get_array_name(variables['_phase'], access_data=False)}};
    const int64_t _limit = int64_t(2 * {{limit}} * {{try}} * _WORDS);
    const int64_t _tried = std::max<int64_t>(_now - (_phase[0] - {{try}}), {{try // 4}});
    const bool _over = !_phase[2] && _phase[1] * {{try}} > _limit * _tried;
    const bool _turn = _now >= _phase[0] || _over, _anew = _turn && !asleep_{{sleeps}};
    if (_turn) {
        const bool _paid = !_phase[2] && !_over, _worth = _phase[2] || _paid;
        if (_paid) _phase[3] = 0;
        if (!_worth) _phase[3] = std::min(2 * _phase[3] + {{rest}}, {{longest_rest}});
        _phase[0] = _now + (_worth ? {{try}} : _phase[3]);
        _phase[1] = 0;
        _phase[2] = !_worth;
    }
    {{'const bool ' if not _split}}_begins = _now % {{trial}} == 0 || _anew;
    if (_begins) {
        std::fill(_last.begin(), _last.end(), _now - 1);
        std::fill(_due.begin(), _due.end(), _now);
        std::fill(_pause.begin(), _pause.end(), _now);
    }
    const bool _awake = _phase[2], _all = _awake || (_now + 1) % {{trial}} == 0;
    const bool _even = _awake && !asleep_{{sleeps}};
    {% elif sleeps %}
    int32_t *_phase = {{get_array_name(variables['_phase'], access_data=False)}};
    const bool _all = (_now + 1) % {{trial}} == 0, _even = !asleep_{{sleeps}};
    {% endif %}
    {% if holds %}
    static bool _known = false;
    {# A power of two, so that the last bits of a step are its slot. #}
    const double _slots = {{slots}};
    const int32_t _mask = int32_t(_slots) - 1;
    if (!_known) _release.resize(_mask + 1);
    auto _hold = [&](int32_t _idx) {
        if ({{free_at}}[_idx] <= _now) return;
        _held[_idx / _WORD] |= _Word(1) << (_idx % _WORD);
        _release[{{free_at}}[_idx] & _mask].push_back(_idx);
    };
    if ({% if period %}_now % {{period}} == 0 || {% endif %}!_known) {
        std::fill(_held.begin(), _held.end(), 0);
        for (auto &_leaving : _release) _leaving.clear();
        {# No neuron is refractory when a run begins; reading would allocate untouched memory. #}
        if (_now) for (int32_t _idx = 0; _idx < N; _idx++) _hold(_idx);
        _known = true;
    } else {
        auto &_leaving = _release[_now & _mask];
        for (int32_t _idx : _leaving) {
            {% if sleeps %}
            wake_{{sleeps}}(_idx, _idx, _now - 1, INFINITY);
            {% endif %}
            _held[_idx / _WORD] &= ~(_Word(1) << (_idx % _WORD));
        }
        _leaving.clear();
        {% if not _direct %}
        for (int _e = 0; _e < {{_listed}}[N]; _e++) _hold({{_listed}}[_e]);
        {% endif %}
    }
    {% endif %}
    const size_t _vectorisation_idx = -1;
    {% if updates %}
    {{scalar_code['update']|autoindent}}
    {% endif %}
    {% if tests %}
    {{scalar_code['test']|autoindent}}
    {% endif %}
    {% if resets %}
    {{scalar_code['reset']|autoindent}}
    {% endif %}
    {% for horizon in horizons %}
    {{scalar_code['reach_' ~ horizon]|autoindent}}
    {% endfor %}
    {% if _parallel %}
    std::vector<int> _counts(omp_get_max_threads()), _starts(omp_get_max_threads());
    {% if sleeps %}
    std::vector<int> _costs(omp_get_max_threads());
    {% endif %}
    {{openmp_pragma('parallel')}}
    {
    const int _thread = omp_get_thread_num(), _threads = omp_get_num_threads();
    const int _begin = int64_t(_WORDS) * _thread / _threads, _end = int64_t(_WORDS) * (_thread + 1) / _threads;
    {% else %}
    const int _begin = 0, _end = _WORDS;
    {% endif %}
    int _count = 0;
    {% if sleeps %}
    int _cost = 0;
    {% endif %}
    {% if tests %}
    {# A thread's own neurons have room enough for those of them that fire. #}
    int32_t *_list = {{_listed}} + _begin * _WORD;
    {% endif %}
    {% if sleeps %}
    {% for name in numbers %}
    const {{c_data_type(variables[name].dtype)}} _once_{{name}} = {{get_array_name(variables[name])}}[0];
    {% endfor %}
    if (_even) {
    {# The constants of one step: in registers if they are an array of their own. #}
    {% for name in numbers %}
    const {{c_data_type(variables[name].dtype)}} {{get_array_name(variables[name])}}[1] = { _once_{{name}} };
    {% endfor %}
    {{_pass(false)}}
    } else {
    {{_pass(true)}}
    }
    {% else %}
    {{_pass(false)}}
    {% endif %}
    {% if _parallel %}
    _counts[_thread] = _count;
    _starts[_thread] = _begin * _WORD;
    {% if sleeps %}
    _costs[_thread] = _cost;
    {% endif %}
    }
    {% if tests %}
    int _count = 0;
    for (size_t _t = 0; _t < _counts.size(); _t++)
        for (int _e = 0; _e < _counts[_t]; _e++) {{_listed}}[_count++] = {{_listed}}[_starts[_t] + _e];
    {% endif %}
    {% if sleeps %}
    int _cost = 0;
    for (int _each : _costs) _cost += _each;
    {% endif %}
    {% endif %}
    {% if tests %}
    {{_listed}}[N] = _count;
    {% endif %}
    {% if sleeps %}
    {# Steps in which all words are updated, at the beginning and the end, do not count as cost. #}
    if (!_begins && !_all) _phase[1] += _cost;
    {% if updates %}
    asleep_{{sleeps}} = !_awake;
    {% endif %}
    {% endif %}
{% endblock %}

{% block extra_functions_cpp %}
{% if sleeps and updates %}
{# Neurons from one to another are to be as they are after the step now: something happens to them,
   which pushes them so far towards their threshold at most. Who cannot reach it sleeps on. #}
void wake_{{sleeps}}(int _from, int _to, int64_t _now, double _push) {
    if (!asleep_{{sleeps}}) return;
    bool _current = true;
    for (int _w = _from / _WORD; _w <= _to / _WORD; _w++) {
        _current = _current && _last[_w] == _now;
        _highest[_w] += _push;
        if (!(_highest[_w] < 0)) _due[_w] = _now{{' + 1' if not _split}};
    }
    using namespace brian;
    {{get_array_name(variables['_phase'], access_data=False)}}[1]++;
    if (_current) return;
    %CONSTANTS%
    {{pointers_lines|autoindent}}
    const size_t _vectorisation_idx = -1;
    {{scalar_code['update']|autoindent}}
    for (int _w = _from / _WORD; _w <= _to / _WORD; _w++) {
        const int _first = _w * _WORD, _power_idx = _now - _last[_w] - 1;
        if (_power_idx < 0) continue;
        _last[_w] = _now;
        {{get_array_name(variables['_phase'], access_data=False)}}[1] += 2;
        {% if tiled %}
        const int _tile = _first % {{tile}};
        {% endif %}
        if (_first + _WORD <= N)
        {{_word("_WORD", false)}}
        else
        {{_word("N - _first", false)}}
    }
}
{# Observes a neuron after the current step without changing it, so that it sleeps on. #}
void view_{{sleeps}}(int _neuron, int64_t _now) {
    using namespace brian;
    const int _w = _neuron < 0 ? -1 : _neuron / _WORD;
    if (!asleep_{{sleeps}} || _w == _viewed) return;
    %CONSTANTS%
    {{pointers_lines|autoindent}}
    const auto _size = [&](int _word) { return std::min<int>(_WORD, N - _word * _WORD); };
    if (_viewed >= 0) {
        {% for name in states %}
        std::copy_n(_viewed_{{name}}, _size(_viewed), {{get_array_name(variables[name])}} + _viewed * _WORD);
        {% endfor %}
        _last[_viewed] = _viewed_last;
        _due[_viewed] = _viewed_due;
    }
    _viewed = _w;
    if (_viewed < 0) return;
    {% for name in states %}
    std::copy_n({{get_array_name(variables[name])}} + _viewed * _WORD, _size(_viewed), _viewed_{{name}});
    {% endfor %}
    _viewed_last = _last[_viewed];
    _viewed_due = _due[_viewed];
    wake_{{sleeps}}(_neuron, _neuron, _now, 0);
}
{% endif %}
{% endblock %}
