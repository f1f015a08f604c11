{# USES_VARIABLES { _listed, N, t_in_timesteps } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _listed } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% macro _word(length) %}
        {
            {% if holds %}
            const _Word _bits = _held[_first / _WORD];
            {% endif %}
            _Lane _above = 0;
            for (_Lane _k = 0; _k < {{length}}; _k++) {
                const size_t _idx = _first + _k;
                const size_t _vectorisation_idx = _idx;
                {% if tiled %}
                const size_t _lane_idx = _tile + _k;
                {% endif %}
                {% if updates %}
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
                {% endif %}
                {% if tests %}
                {
                    {{vector_code['test']|autoindent}}
                    _above |= _Lane(_cond ? 1 : 0) << _k;
                }
                {% endif %}
            }
            {% if tests %}
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
{% set _parallel = openmp_pragma('with_openmp') %}
{# Whoever fires in this very pass is held from now on. #}
{% set _direct = updates and resets and holds and not _parallel %}
{% block maincode %}
    {# Neurons go by words: as many as a machine word has bits. The bits say who is refractory, and
       the comparisons with the threshold come back as bits, so that neither costs memory traffic
       for a neuron, nor a branch. A lane is a whole number as wide as the states, so that a vector
       of one is a vector of the other. #}
    typedef {{'int64_t' if lane == 8 else 'int32_t'}} _Lane;
    typedef {{'uint64_t' if lane == 8 else 'uint32_t'}} _Word;
    const int _WORD = {{8 * lane}}, _WORDS = (N + _WORD - 1) / _WORD;
    const int64_t _now = {{t_in_timesteps}};
    {% for name, source in levels %}
    for (int _k = 0; _k < {{tile}}; _k++) {{get_array_name(variables[name])}}[_k] = {{get_array_name(variables[source])}}[_k % {{channels}}];
    {% endfor %}
    {% if holds %}
    {# A cache of free_at: made anew when a trial begins, then kept up to date spike by spike. #}
    static std::vector<_Word> _held(_WORDS);
    static std::vector<std::vector<int32_t> > _release({{slots}});
    static bool _known = false;
    auto _hold = [&](int32_t _idx) {
        if ({{free_at}}[_idx] <= _now) return;
        _held[_idx / _WORD] |= _Word(1) << (_idx % _WORD);
        _release[{{free_at}}[_idx] % {{slots}}].push_back(_idx);
    };
    if ({% if period %}_now % {{period}} == 0 || {% endif %}!_known) {
        std::fill(_held.begin(), _held.end(), 0);
        for (auto &_leaving : _release) _leaving.clear();
        for (int32_t _idx = 0; _idx < N; _idx++) _hold(_idx);
        _known = true;
    } else {
        auto &_leaving = _release[_now % {{slots}}];
        for (int32_t _idx : _leaving) _held[_idx / _WORD] &= ~(_Word(1) << (_idx % _WORD));
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
    {% if _parallel %}
    std::vector<int> _counts(omp_get_max_threads()), _starts(omp_get_max_threads());
    {{openmp_pragma('parallel')}}
    {
    const int _thread = omp_get_thread_num(), _threads = omp_get_num_threads();
    const int _begin = int64_t(_WORDS) * _thread / _threads, _end = int64_t(_WORDS) * (_thread + 1) / _threads;
    {% else %}
    const int _begin = 0, _end = _WORDS;
    {% endif %}
    int _count = 0;
    {% if tests %}
    {# A thread's own neurons have room enough for those of them that fire. #}
    int32_t *_list = {{_listed}} + _begin * _WORD;
    {% endif %}
    for (int _w = _begin; _w < _end; _w++) {
        const int _first = _w * _WORD;
        {% if tiled %}
        const int _tile = _first % {{tile}};
        {% endif %}
        if (_first + _WORD <= N)
        {{_word("_WORD")}}
        else
        {{_word("N - _first")}}
    }
    {% if _parallel %}
    _counts[_thread] = _count;
    _starts[_thread] = _begin * _WORD;
    }
    {% if tests %}
    int _count = 0;
    for (size_t _t = 0; _t < _counts.size(); _t++)
        for (int _e = 0; _e < _counts[_t]; _e++) {{_listed}}[_count++] = {{_listed}}[_starts[_t] + _e];
    {% endif %}
    {% endif %}
    {% if tests %}
    {{_listed}}[N] = _count;
    {% endif %}
{% endblock %}

{% block extra_functions_cpp %}
{# Arrays of a program begin where a vector may: one that crosses cache lines costs two. #}
__attribute__((weak)) void *operator new[](std::size_t size) {
    void *memory = 0;
    if (posix_memalign(&memory, 64, size)) throw std::bad_alloc();
    return memory;
}
__attribute__((weak)) void operator delete[](void *memory) noexcept { free(memory); }
__attribute__((weak)) void operator delete[](void *memory, std::size_t) noexcept { free(memory); }
{% endblock %}
