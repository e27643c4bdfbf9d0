/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between server versions, all in this one file.
 *
 * Each wrapper has the signature of the newest server and says which
 * upstream change made it necessary.  PG_VERSION_NUM stands nowhere else.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_COMPAT_H
#define PGSYNC_COMPAT_H

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "catalog/pg_namespace.h"
#include "common/jsonapi.h"
#include "executor/executor.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "parser/parse_node.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/jsonfuncs.h"
#include "utils/rel.h"
#include "utils/sortsupport.h"

#if PG_VERSION_NUM < 150000
#error "pgsync needs PostgreSQL 15 or newer"
#endif

/*
 * PostgreSQL 18 marks functions that never return in front, as C11 does.
 */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/*
 * PostgreSQL 17 lets the caller provide the lexer's struct (NULL: palloc it).
 */
static inline JsonLexContext *
pgsync_make_json_lex_context(char *json, int len, int encoding,
							 bool need_escapes)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, len, encoding,
										need_escapes);
#else
	return makeJsonLexContextCstringLen(json, len, encoding, need_escapes);
#endif
}

/*
 * PostgreSQL 16 lets what the JSON parser calls return an error.
 */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType PgsyncJsonActionResult;
#define PGSYNC_JSON_ACTION_DONE()	return JSON_SUCCESS
#else
typedef void PgsyncJsonActionResult;
#define PGSYNC_JSON_ACTION_DONE()	return
#endif

/*
 * PostgreSQL 16 lets ExecInsertIndexTuples update summarizing indexes only.
 */
static inline List *
pgsync_insert_index_tuples(ResultRelInfo *resultRelInfo, TupleTableSlot *slot,
						   EState *estate, bool update, bool noDupErr,
						   bool *specConflict, List *arbiterIndexes,
						   bool onlySummarizing)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(resultRelInfo, slot, estate, update,
								 noDupErr, specConflict, arbiterIndexes,
								 onlySummarizing);
#else
	return ExecInsertIndexTuples(resultRelInfo, slot, estate, update,
								 noDupErr, specConflict, arbiterIndexes);
#endif
}

/*
 * PostgreSQL 16 has an update say whether only summarizing indexes need to
 * know of it.
 */
#if PG_VERSION_NUM < 160000
typedef enum TU_UpdateIndexes
{
	TU_None,
	TU_All,
	TU_Summarizing,
} TU_UpdateIndexes;
#endif

static inline TM_Result
pgsync_table_tuple_update(Relation rel, ItemPointer otid,
						  TupleTableSlot *slot, CommandId cid,
						  Snapshot snapshot, Snapshot crosscheck, bool wait,
						  TM_FailureData *tmfd, LockTupleMode *lockmode,
						  TU_UpdateIndexes *update_indexes)
{
#if PG_VERSION_NUM >= 160000
	return table_tuple_update(rel, otid, slot, cid, snapshot, crosscheck,
							  wait, tmfd, lockmode, update_indexes);
#else
	bool		update_all;
	TM_Result	result = table_tuple_update(rel, otid, slot, cid, snapshot,
											crosscheck, wait, tmfd, lockmode,
											&update_all);

	*update_indexes = result == TM_Ok && update_all ? TU_All : TU_None;
	return result;
#endif
}

/*
 * Returns where a planned INSERT keeps the columns that it names, for
 * privilege checks and error details.  PostgreSQL 16 moved them from the
 * range table entry to a permission info of its own.
 */
static inline Bitmapset **
pgsync_inserted_columns(List *rtable, List *permInfos, Index rtindex)
{
	RangeTblEntry *rte = list_nth_node(RangeTblEntry, rtable, rtindex - 1);

#if PG_VERSION_NUM >= 160000
	return &list_nth_node(RTEPermissionInfo, permInfos,
						  rte->perminfoindex - 1)->insertedCols;
#else
	return &rte->insertedCols;
#endif
}

/*
 * Checks the caller's privileges on a rewritten query's relations; what
 * PostgreSQL 16 needs for it, it keeps beside the range table.
 */
static inline void
pgsync_check_permissions(Query *query)
{
#if PG_VERSION_NUM >= 160000
	ExecCheckPermissions(query->rtable, query->rteperminfos, true);
#else
	ExecCheckRTPerms(query->rtable, true);
#endif
}

/* Returns where a range table entry keeps the columns to be read. */
static inline Bitmapset **
pgsync_selected_columns(ParseNamespaceItem *item)
{
#if PG_VERSION_NUM >= 160000
	return &item->p_perminfo->selectedCols;
#else
	return &item->p_rte->selectedCols;
#endif
}

/* PostgreSQL 16 keeps permission infos beside the range table. */
#if PG_VERSION_NUM >= 160000
#define PGSYNC_PERM_INFOS(plannedstmt) ((plannedstmt)->permInfos)
#else
#define PGSYNC_PERM_INFOS(plannedstmt) NIL
#endif

/*
 * Gives an executor state a plan's range table, with the permission infos that
 * PostgreSQL 16 keeps beside it; from PostgreSQL 18 on it also says which
 * relations have not been pruned.
 */
static inline void
pgsync_init_range_table(EState *estate, PlannedStmt *plan)
{
#if PG_VERSION_NUM >= 180000
	ExecInitRangeTable(estate, plan->rtable, plan->permInfos,
					   bms_copy(plan->unprunableRelids));
#elif PG_VERSION_NUM >= 160000
	ExecInitRangeTable(estate, plan->rtable, plan->permInfos);
#else
	ExecInitRangeTable(estate, plan->rtable);
#endif
}

/*
 * Moves the privileges to be checked from a ParseState to a query made from
 * it.  Before PostgreSQL 16 they are in the range table itself.
 */
#if PG_VERSION_NUM >= 160000
#define pgsync_set_query_permissions(query, pstate) \
	((query)->rteperminfos = (pstate)->p_rteperminfos)
#else
#define pgsync_set_query_permissions(query, pstate) ((void) 0)
#endif

/* PostgreSQL 18 dropped ExecutorRun's execute_once. */
static inline void
pgsync_executor_run(QueryDesc *queryDesc)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(queryDesc, ForwardScanDirection, 0);
#else
	ExecutorRun(queryDesc, ForwardScanDirection, 0, true);
#endif
}

/* PostgreSQL 16 computes a partition's row conversion when it is asked for. */
static inline TupleConversionMap *
pgsync_root_to_child_map(ResultRelInfo *resultRelInfo, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	return ExecGetRootToChildMap(resultRelInfo, estate);
#else
	return resultRelInfo->ri_RootToPartitionMap;
#endif
}

/* PostgreSQL 18 can leave a row that is stored already out of the check. */
static inline bool
pgsync_check_index_constraints(ResultRelInfo *resultRelInfo,
							   TupleTableSlot *slot, EState *estate,
							   ItemPointer conflictTid, List *arbiterIndexes)
{
#if PG_VERSION_NUM >= 180000
	ItemPointerData none;

	ItemPointerSetInvalid(&none);
	return ExecCheckIndexConstraints(resultRelInfo, slot, estate, conflictTid,
									 &none, arbiterIndexes);
#else
	return ExecCheckIndexConstraints(resultRelInfo, slot, estate, conflictTid,
									 arbiterIndexes);
#endif
}

/* PostgreSQL 18 lets index scans count what they do. */
static inline IndexScanDesc
pgsync_index_beginscan(Relation rel, Relation index, Snapshot snapshot,
					   int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(rel, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(rel, index, snapshot, nkeys, 0);
#endif
}

/*
 * Descends a B-tree.  PostgreSQL 16 (61b313e47e) is told of the table, for
 * pages that it may take into use again; 17 (f691f5b80a) has no old snapshots
 * to look for.
 */
static inline BTStack
pgsync_bt_search(Relation rel, Relation heaprel, BTScanInsert key,
				 Buffer *bufP, int access)
{
#if PG_VERSION_NUM >= 170000
	return _bt_search(rel, heaprel, key, bufP, access);
#elif PG_VERSION_NUM >= 160000
	return _bt_search(rel, heaprel, key, bufP, access, NULL);
#else
	return _bt_search(rel, key, bufP, access, NULL);
#endif
}

/*
 * Prepares to sort by an index's column.  PostgreSQL 18 is told
 * whether in reverse, and no longer by a strategy of B-trees.
 */
static inline void
pgsync_prepare_index_sort(Relation index, bool reverse, SortSupport ssup)
{
#if PG_VERSION_NUM >= 180000
	PrepareSortSupportFromIndexRel(index, reverse, ssup);
#else
	PrepareSortSupportFromIndexRel(index, reverse ? BTGreaterStrategyNumber :
								   BTLessStrategyNumber, ssup);
#endif
}

/*
 * The servers that index_leaf.c has been read against and tested with, line
 * by line: what it must keep is written nowhere but in their nbtree.
 */
#if PG_VERSION_NUM / 10000 == 15 || PG_VERSION_NUM / 10000 == 17 || \
	PG_VERSION_NUM / 10000 == 18
#define PGSYNC_KNOWS_NBTREE true
#else
#define PGSYNC_KNOWS_NBTREE false
#endif

/* PostgreSQL 17 overloads random(); this is the one without arguments. */
#if PG_VERSION_NUM >= 170000
#define PGSYNC_F_RANDOM F_RANDOM_
#else
#define PGSYNC_F_RANDOM F_RANDOM
#endif

/* PostgreSQL 16 renamed the relation's "file node" to "file locator". */
static inline SubTransactionId
pgsync_first_relfilelocator_subid(Relation rel)
{
#if PG_VERSION_NUM >= 160000
	return rel->rd_firstRelfilelocatorSubid;
#else
	return rel->rd_firstRelfilenodeSubid;
#endif
}

/*
 * PostgreSQL 17 lets LockHeldByMe count stronger modes too; before it, each
 * lock mode has to be asked for on its own.
 */
static inline bool
pgsync_lock_held_by_me(const LOCKTAG *locktag, LOCKMODE lockmode,
					   bool orstronger)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(locktag, lockmode, orstronger);
#else
	do
	{
		if (LockHeldByMe(locktag, lockmode))
			return true;
	} while (orstronger && ++lockmode <= MaxLockMode);
	return false;
#endif
}

/*
 * Returns whether an INSERT, UPDATE or DELETE has RETURNING.  PostgreSQL 18
 * (80feb727c8) puts the list into a node of its own, for RETURNING WITH.
 */
#if PG_VERSION_NUM >= 180000
#define pgsync_has_returning(statement) ((statement)->returningClause != NULL)
#else
#define pgsync_has_returning(statement) ((statement)->returningList != NIL)
#endif

/*
 * Takes away the permission checks of a query's table.  PostgreSQL 16
 * (a61b1f7482) moves what is to be checked out of the range table entry, into
 * a permission info that foreign data wrappers still look up by the table.
 */
static inline void
pgsync_clear_permissions(Query *query, RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	RTEPermissionInfo *perminfo = list_nth_node(RTEPermissionInfo,
												query->rteperminfos,
												rte->perminfoindex - 1);

	perminfo->relid = rte->relid;
	perminfo->requiredPerms = 0;
#else
	rte->requiredPerms = 0;
#endif
}

/*
 * Refuses a page whose old rows may be gone.  PostgreSQL 17 (f691f5b80a)
 * removes old_snapshot_threshold, and nothing is left to check.
 */
#if PG_VERSION_NUM >= 170000
#define pgsync_test_for_old_snapshot(snapshot, rel, page) ((void) 0)
#else
#define pgsync_test_for_old_snapshot(snapshot, rel, page) \
	TestForOldSnapshot(snapshot, rel, page)
#endif

/*
 * A stream of a relation's blocks.  PostgreSQL 17 (b5a9b18cd0) reads several
 * at a time and ahead of need; before, the operating system reads ahead, and
 * the stream is a loop around ReadBufferExtended.
 *
 * A table that was read in one go lies in neighboring buffers, so the one
 * next to the last is tried first, which spares a look into the table of
 * buffers.  PostgreSQL 16 (b0a55e4329) renamed what names the file.
 */
#if PG_VERSION_NUM >= 170000
#include "storage/read_stream.h"
#else
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"

#if PG_VERSION_NUM >= 160000
#define PGSYNC_RELATION_FILE(rel) ((rel)->rd_locator)
#else
#define PGSYNC_RELATION_FILE(rel) ((rel)->rd_node)
#endif

#define READ_STREAM_SEQUENTIAL	0x02

typedef struct ReadStream ReadStream;

typedef BlockNumber (*ReadStreamBlockNumberCB) (ReadStream *stream,
												void *callback_private_data,
												void *per_buffer_data);

struct ReadStream
{
	BufferAccessStrategy strategy;
	Relation	rel;
	ForkNumber	forknum;
	ReadStreamBlockNumberCB callback;
	void	   *callback_private_data;
	Buffer		last;			/* the last one returned */
	int			step;			/* how far it was from the one before */
};

/* Begins to read the blocks that the callback names. */
static inline ReadStream *
read_stream_begin_relation(int flags, BufferAccessStrategy strategy,
						   Relation rel, ForkNumber forknum,
						   ReadStreamBlockNumberCB callback,
						   void *callback_private_data,
						   size_t per_buffer_data_size)
{
	ReadStream *stream = palloc(sizeof(ReadStream));

	Assert(per_buffer_data_size == 0);
	stream->strategy = strategy;
	stream->rel = rel;
	stream->forknum = forknum;
	stream->callback = callback;
	stream->callback_private_data = callback_private_data;
	stream->last = InvalidBuffer;
	stream->step = 0;
	return stream;
}

/*
 * Returns the buffer as far from the last one as that was from the one
 * before, InvalidBuffer if there is none.  Tables are mostly read into
 * buffers one after the other, upwards or, where they had been another
 * table's, downwards.
 */
static inline Buffer
pgsync_expected_buffer(ReadStream *stream)
{
	Buffer		buffer = stream->last + stream->step;

	if (stream->step == 0)
		return InvalidBuffer;
	if (BufferIsLocal(stream->last))
		return buffer < 0 && -buffer <= NLocBuffer ? buffer : InvalidBuffer;
	return buffer > 0 && buffer <= NBuffers ? buffer : InvalidBuffer;
}

/* Returns the next block's buffer, pinned, or InvalidBuffer at the end. */
static inline Buffer
read_stream_next_buffer(ReadStream *stream, void **per_buffer_data)
{
	BlockNumber block = stream->callback(stream,
										 stream->callback_private_data, NULL);
	Buffer		buffer;

	if (block == InvalidBlockNumber)
		return InvalidBuffer;
	buffer = pgsync_expected_buffer(stream);
	if (buffer != InvalidBuffer &&
		ReadRecentBuffer(PGSYNC_RELATION_FILE(stream->rel), stream->forknum,
						 block, buffer))
	{
		/* as ReadBufferExtended counts it */
		pgstat_count_buffer_read(stream->rel);
		pgstat_count_buffer_hit(stream->rel);
	}
	else
	{
		buffer = ReadBufferExtended(stream->rel, stream->forknum, block,
									RBM_NORMAL, stream->strategy);
		stream->step = 0;
		if (abs(buffer - stream->last) == 1)
			stream->step = buffer - stream->last;
	}
	stream->last = buffer;
	return buffer;
}

/* Ends the stream. */
static inline void
read_stream_end(ReadStream *stream)
{
	pfree(stream);
}
#endif

/*
 * PostgreSQL 18 can leave room before a minimal tuple, which pgsync never
 * needs.
 */
static inline MinimalTuple
pgsync_form_minimal_tuple(TupleDesc desc, Datum *values, bool *nulls)
{
#if PG_VERSION_NUM >= 180000
	return heap_form_minimal_tuple(desc, values, nulls, 0);
#else
	return heap_form_minimal_tuple(desc, values, nulls);
#endif
}

static inline MinimalTuple
pgsync_copy_minimal_tuple(MinimalTuple tuple)
{
#if PG_VERSION_NUM >= 180000
	return heap_copy_minimal_tuple(tuple, 0);
#else
	return heap_copy_minimal_tuple(tuple);
#endif
}

/* PostgreSQL 16 has simple_heap_update say which indexes need to know. */
static inline void
pgsync_simple_heap_update(Relation rel, ItemPointer tid, HeapTuple tuple)
{
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes update_indexes;

	simple_heap_update(rel, tid, tuple, &update_indexes);
#else
	simple_heap_update(rel, tid, tuple);
#endif
}

/* Returns which file a relation has; see above for the name. */
static inline void
pgsync_relation_file(Relation rel, Oid *tablespace, Oid *number)
{
#if PG_VERSION_NUM >= 160000
	*tablespace = rel->rd_locator.spcOid;
	*number = rel->rd_locator.relNumber;
#else
	*tablespace = rel->rd_node.spcNode;
	*number = rel->rd_node.relNode;
#endif
}

/* Gives a relation a new, empty file; see above for the name. */
static inline void
pgsync_set_new_file(Relation rel)
{
#if PG_VERSION_NUM >= 160000
	RelationSetNewRelfilenumber(rel, rel->rd_rel->relpersistence);
#else
	RelationSetNewRelfilenode(rel, rel->rd_rel->relpersistence);
#endif
}

/* PostgreSQL 17 hands the statement on to reindex_relation. */
static inline void
pgsync_reindex_relation(Oid relid, int flags)
{
	ReindexParams params = {0};

#if PG_VERSION_NUM >= 170000
	reindex_relation(NULL, relid, flags, &params);
#else
	reindex_relation(relid, flags, &params);
#endif
}

/*
 * Returns all settings, in no certain order.  PostgreSQL 16 (3057465acf) keeps
 * them in a hash table, and makes an array of them when asked.
 */
static inline struct config_generic **
pgsync_guc_variables(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/*
 * Writes into this process's entry of pg_stat_activity whose session it is.
 * PostgreSQL 18 (c76db55c90) does so in three steps, of which the last has
 * what can change.
 */
static inline void
pgsync_report_session(void)
{
#if PG_VERSION_NUM >= 180000
	pgstat_bestart_final();
#else
	pgstat_bestart();
#endif
}

/* PostgreSQL 18 has foreign keys with PERIOD. */
#if PG_VERSION_NUM >= 180000
#define pgsync_constraint_has_period(form) ((form)->conperiod)
#else
#define pgsync_constraint_has_period(form) false
#endif

/* Returns whether a role owns a schema; see below for the function. */
static inline bool
pgsync_owns_schema(Oid nspid, Oid roleid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(NamespaceRelationId, nspid, roleid);
#else
	return pg_namespace_ownercheck(nspid, roleid);
#endif
}

/*
 * PostgreSQL 16 replaced the ownership and privilege checks of each kind of
 * object by one function.  pgsync asks about relations' owners and schemas'
 * privileges only.
 */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) \
	pg_class_ownercheck(objectid, roleid)
#define object_aclcheck(classid, objectid, roleid, mode) \
	pg_namespace_aclcheck(objectid, roleid, mode)
#endif

/*
 * Vectors of bytes.  PostgreSQL 16 (56f2c7b58b) has them in a header of its
 * own, 17 (9f225e992b) completes it with what says where a byte was found; a
 * server for other processors defines USE_NO_SIMD.
 */
#if PG_VERSION_NUM >= 160000
#include "port/simd.h"
#elif defined(__x86_64__) || defined(_M_AMD64)
#include <emmintrin.h>
#define USE_SSE2
typedef __m128i Vector8;
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define USE_NEON
typedef uint8x16_t Vector8;
#else
#define USE_NO_SIMD
#endif

#if PG_VERSION_NUM < 160000 && !defined(USE_NO_SIMD)
static inline void
vector8_load(Vector8 *v, const uint8 *s)
{
#ifdef USE_SSE2
	*v = _mm_loadu_si128((const __m128i *) s);
#else
	*v = vld1q_u8(s);
#endif
}

static inline Vector8
vector8_broadcast(const uint8 c)
{
#ifdef USE_SSE2
	return _mm_set1_epi8(c);
#else
	return vdupq_n_u8(c);
#endif
}

static inline Vector8
vector8_or(const Vector8 v1, const Vector8 v2)
{
#ifdef USE_SSE2
	return _mm_or_si128(v1, v2);
#else
	return vorrq_u8(v1, v2);
#endif
}

static inline Vector8
vector8_eq(const Vector8 v1, const Vector8 v2)
{
#ifdef USE_SSE2
	return _mm_cmpeq_epi8(v1, v2);
#else
	return vceqq_u8(v1, v2);
#endif
}
#endif

#if PG_VERSION_NUM < 170000 && !defined(USE_NO_SIMD)
static inline Vector8
vector8_min(const Vector8 v1, const Vector8 v2)
{
#ifdef USE_SSE2
	return _mm_min_epu8(v1, v2);
#else
	return vminq_u8(v1, v2);
#endif
}

/* Returns the high bit of each byte, that of the first as the lowest bit. */
static inline uint32
vector8_highbit_mask(const Vector8 v)
{
#ifdef USE_SSE2
	return _mm_movemask_epi8(v);
#else
	static const uint8 place[16] = {
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128
	};
	uint8x16_t	set = vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(v), 7));
	uint8x16_t	bits = vandq_u8(set, vld1q_u8(place));

	return vaddv_u8(vget_low_u8(bits)) |
		(uint32) vaddv_u8(vget_high_u8(bits)) << 8;
#endif
}
#endif

#endif							/* PGSYNC_COMPAT_H */
